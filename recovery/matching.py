"""Who in Slack a user of Mailgun's is: by their e-mail address, as it is and in the forms that it may have there."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from recovery.access import reachable
from recovery.ports import Member

# So few are looked up in half a minute: that is short enough not to ask for everybody.
_FEW = 20

# What Slack allows in a minute: `users.list` is of its tier 2, `users.lookupByEmail` of tier 3.
_PAGES_A_MINUTE = 20
_LOOK_UPS_A_MINUTE = 50


@dataclass(frozen=True)
class _Address:
    """An e-mail address in lower case, in its two parts."""

    local: str
    domain: str

    @property
    def without_plus(self) -> str:
        """The local part without what follows a plus; the whole of it where nothing precedes that."""
        return self.local.partition("+")[0] or self.local


def candidates(email: str, domains: Mapping[str, str]) -> tuple[str, ...]:
    """The addresses under which a Mailgun user may be known in Slack, most exact first, in lower case and each once.

    They are the address itself, that without its plus-part, and both with each domain that `domains` leads to.
    There are none for what is no address.
    """
    address = _address(email)
    if address is None:
        return ()
    chain = _chain(address.domain, domains)
    forms = (f"{local}@{domain}" for domain in chain for local in (address.local, address.without_plus))
    return tuple(dict.fromkeys(forms))


class ByAddress:
    """Finds people among the members of a workspace, which are added as they are listed.

    While more are to come, only who is active and has the exact address is sure to be found again at the end.
    """

    def __init__(self, domains: Mapping[str, str]) -> None:
        self._domains = domains
        # By plain address, and then by id: a page may repeat somebody of the page before.
        self._members: dict[str, dict[str, Member]] = {}

    def add(self, members: Iterable[Member]) -> None:
        """Know these too, such as one page of `users.list`. Whoever has no address cannot be found."""
        for member in members:
            if plain := _plain(member.email or "", self._domains):
                self._members.setdefault(plain, {})[member.id] = member

    def find(self, email: str) -> Member | None:
        """The member with that address, whichever of its forms Mailgun and Slack have; None when there is none.

        Somebody who can be written to comes before who is deactivated or a bot, then an exact address before another
        form of it, then, of two with the exact one, a full member before a guest. Where two are left, nobody is
        guessed: None.
        """
        address = _address(email)
        known = list(self._members.get(_plain(email, self._domains), {}).values())
        people = [member for member in known if reachable(member)]
        for group in (people, known):
            exact = [member for member in group if _address(member.email or "") == address]
            full = [member for member in exact if member.is_full]
            for left in (full, exact, group):
                if left:
                    return left[0] if len(left) == 1 else None
        return None


def listing_pays(look_ups: int, pages: int) -> bool:
    """Whether to list one more page of members after `pages` of them, rather than look so many people up one by one.

    It counts what each takes of the minute that Slack gives for it: 3 seconds a page, 1.2 seconds a look-up.
    """
    # How many pages there are, nobody knows before the last. It is the choice between renting skis once more and
    # buying them: list for no longer than the look-ups would take, then look up. Where the list ends within that, it
    # was the cheaper way; where it does not, both together take at most twice as long as the look-ups alone.
    if look_ups <= _FEW:
        return False
    return (pages + 1) * _LOOK_UPS_A_MINUTE < look_ups * _PAGES_A_MINUTE


def _address(email: str) -> _Address | None:
    """The address, or None where that is none: it has one @, and something on either side."""
    local, _, domain = email.strip().lower().partition("@")
    return _Address(local, domain) if local and domain and "@" not in domain else None


def _plain(email: str, domains: Mapping[str, str]) -> str:
    """The one form that all forms of an address have in common; empty for what is no address."""
    address = _address(email)
    if address is None:
        return ""
    chain = _chain(address.domain, domains)
    after = domains.get(chain[-1])
    # Of domains that lead to each other in a circle none is the last: the first by name stands for all of them.
    domain = chain[-1] if after is None else min(chain[chain.index(after) :])
    return f"{address.without_plus}@{domain}"


def _chain(domain: str, domains: Mapping[str, str]) -> list[str]:
    """The domain, the one that it leads to, and so on, each once."""
    chain = [domain]
    while (after := domains.get(chain[-1])) is not None and after not in chain:
        chain.append(after)
    return chain
