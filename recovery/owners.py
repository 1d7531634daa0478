"""Whose something is, the account's own or a subaccount's: in a task's payload, and in words."""

from collections.abc import Iterable

from recovery.account import Subaccount
from recovery.inventory import Owner
from recovery.state import Facts, Json
from recovery.text import count

_ID, _NAME = "owner", "owner_name"


def owner_facts(owner: Owner) -> dict[str, Json]:
    """What a payload keeps of it, so that a call is made on the right behalf and people read whose it is."""
    return {} if owner is None else {_ID: owner.id, _NAME: owner.name}


def owner_in(payload: Facts) -> Owner:
    """The inverse of `owner_facts`."""
    named = payload.get(_ID)
    return None if named is None else Subaccount(str(named), str(payload.get(_NAME) or named), is_open=True)


def region_and_owner(region: str, owner: Owner) -> str:
    """“US”, or “US, subaccount Shop”: what stands in brackets behind a domain."""
    return region.upper() if owner is None else f"{region.upper()}, subaccount {owner.name}"


def count_apart(owners: Iterable[Owner]) -> tuple[int, int]:
    """How many of some things belong to subaccounts, given whose each is, and to how many of these."""
    theirs = [owner.id for owner in owners if owner is not None]
    return len(theirs), len(set(theirs))


def apart(many: int, subaccounts: int) -> str:
    """“12 of them of 2 subaccounts”, or “1 of them of a subaccount”."""
    return f"{many:,} of them of {'a subaccount' if subaccounts == 1 else count(subaccounts, 'subaccount')}"
