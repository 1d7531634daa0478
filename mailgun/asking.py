"""How Mailgun is asked: with the key of the moment, in every region, page by page, for the account or a subaccount."""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import Protocol, Self, TypeVar
from urllib.parse import quote

from mailgun.models import Page, PageReader
from mailgun.transport import Call, Method, Transport
from recovery.errors import KeyRefused, Refused, Uncertain
from recovery.secret import Secret

Result = TypeVar("Result")
Item = TypeVar("Item")

UNASKED_PAGE = 100
"""As many as Mailgun gives of most things where it is not asked for a number: it would hardly give fewer at once."""

MOST_READINGS = 5
"""How often a list is read anew that changes while it is read."""


class KeySource(Protocol):
    """Where the bot's own key comes from: the vault."""

    def known(self) -> Secret:
        """The key to call with, as it was last read."""
        ...

    def refresh(self) -> None:
        """Look again: another process may have rotated the key."""
        ...


class OneKey:
    """A key source that has one key and no other."""

    def __init__(self, key: Secret) -> None:
        self._key = key

    def known(self) -> Secret:
        return self._key

    def refresh(self) -> None:
        """There is nothing to read again."""


class Asker:
    """Asks one Mailgun account. Every method raises the errors of `recovery.errors` and no others.

    `urls` has the address of each region's API by the region's name, "us" or "eu"; `storage_urls` those of the hosts
    that keep its queued mail, which only they delete. What belongs to the account is asked of the first region. A key
    that is refused makes it refresh the key source and, if the key is another one by then, repeat the call with that.
    """

    regions: Sequence[str]

    def __init__(
        self,
        urls: Mapping[str, str],
        key_source: KeySource,
        transport: Transport,
        storage_urls: Mapping[str, Sequence[str]],
    ) -> None:
        self.regions = tuple(urls)
        self._storage_urls = storage_urls
        self._urls = {region: url.rstrip("/") for region, url in urls.items()}
        self._key_source = key_source
        self._transport = transport
        self._on_behalf_of: str | None = None

    def for_subaccount(self, subaccount_id: str | None) -> Self:
        """The same on behalf of that subaccount; of the account itself where that is None."""
        other = copy(self)
        other._on_behalf_of = subaccount_id
        return other

    def with_key(self, key: Secret) -> Self:
        """The same, asked with that key."""
        other = copy(self)
        other._key_source = OneKey(key)
        return other

    def close(self) -> None:
        """Close the pooled connections."""
        self._transport.close()

    def account_call(
        self,
        method: Method,
        path: str,
        what: str,
        query: Mapping[str, str | int] | None = None,
        form: Mapping[str, str | Secret] | None = None,
    ) -> Call:
        """A call that is about the account as a whole, whichever the region."""
        return self.call(self.regions[0], method, path, what, query, form)

    def call(
        self,
        region: str,
        method: Method,
        path: str,
        what: str,
        query: Mapping[str, str | int] | None = None,
        form: Mapping[str, str | Secret] | None = None,
    ) -> Call:
        """A call to one region. Raises `Refused` where that is none of ours."""
        base = self._urls.get(region)
        if base is None:
            # A login that was stored while the region was still set.
            raise Refused(f"The bot was asked to {what}, but MAILGUN_REGIONS does not name the region {region}.")
        return Call(method, base, path, what, query or {}, form or {}, on_behalf_of=self._on_behalf_of)

    def ask(self, call: Call, read: Callable[[object], Result]) -> Result:
        """The answer as `read` reads it."""
        key = self._key_source.known()
        try:
            return self._transport.call(call, key, read)
        except KeyRefused:
            self._key_source.refresh()
            rotated = self._key_source.known()
            if rotated == key:
                raise
        # What was refused certainly had no effect, so even a POST may be repeated.
        return self._transport.call(call, rotated, read)

    def every_page(self, call: Call, size: int, read: PageReader[Item], identity: Callable[[Item], str]) -> list[Item]:
        """The whole list, each item once. Read anew where it changed meanwhile: what is removed pulls another item onto
        a page that was read before. Raises `Uncertain` where it never comes to rest."""
        for _ in range(MOST_READINGS):
            items = self._one_reading(call, size, read, identity)
            if items is not None:
                return items
        raise Uncertain(f"Mailgun was asked to {call.what}, and the list changed each time while it was read.")

    def _one_reading(
        self, call: Call, size: int, read: PageReader[Item], identity: Callable[[Item], str]
    ) -> list[Item] | None:
        """Every page, each item once: what is added meanwhile may push an item onto the next page too. None where a
        total that counts all has changed on the way.

        Goes on after every full page, since a total may count no more than its page, unless it counts all, as it does
        where it is more than its page has, and is reached; and after a short one only where the total promises more.
        What is a full page shows as they come: a server may give fewer at once than it was asked for.
        """
        items: dict[str, Item] = {}
        skip, total, full = 0, None, min(size, UNASKED_PAGE)
        while True:
            page: Page[Item] = self.ask(replace(call, query={"limit": size, "skip": skip}), read)
            if page.counts_all and total not in (None, page.total):
                return None
            before, total = len(items), page.total
            items |= {identity(item): item for item in page.items}
            skip += len(page.items)
            is_short, full = len(page.items) < full, max(len(page.items), full)
            is_whole = page.counts_all or (total or 0) > len(page.items)
            is_reached = is_whole and total == len(items)
            if not page.items or is_reached or (is_short and (total is None or total <= skip)):
                return list(items.values())
            if len(items) == before:
                raise Uncertain(f"Mailgun was asked to {call.what} and gave the same page twice.")


def part(text: str) -> str:
    """A text as one part of a path."""
    return quote(text, safe="")
