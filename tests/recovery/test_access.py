"""Who may start, decide and receive."""

import pytest

from recovery.access import Access, Right, reachable
from recovery.errors import Later, OutsideError, Uncertain
from recovery.policy import Policy
from tests.recovery.builders import a_member
from tests.recovery.fakes import FakeDirectory

BOTH = pytest.mark.parametrize("right", list(Right))


@pytest.fixture
def directory() -> FakeDirectory:
    directory = FakeDirectory()
    directory.has(a_member("U-ADMIN", is_admin=True))
    directory.has(a_member("U-MEMBER"))
    directory.groups["S-SECURITY"] = frozenset({"U-MEMBER"})
    return directory


@BOTH
def test_without_settings_owners_and_admins_may(directory: FakeDirectory, right: Right) -> None:
    access = Access(directory, Policy())

    assert access.refusal("U-ADMIN", right) is None
    assert access.refusal("U-MEMBER", right)


@BOTH
def test_named_people_may_and_admins_who_are_not_named_may_not(directory: FakeDirectory, right: Right) -> None:
    access = Access(directory, Policy(approvers=("U-MEMBER",)))

    assert access.refusal("U-MEMBER", right) is None
    assert access.refusal("U-ADMIN", right)


@BOTH
def test_members_of_a_named_group_may(directory: FakeDirectory, right: Right) -> None:
    access = Access(directory, Policy(approvers=("S-SECURITY",)))

    assert access.refusal("U-MEMBER", right) is None
    assert access.refusal("U-ADMIN", right)


def test_starters_may_start_and_not_decide(directory: FakeDirectory) -> None:
    access = Access(directory, Policy(approvers=("U-ADMIN",), starters=("U-MEMBER",)))

    assert access.refusal("U-MEMBER", Right.START) is None
    assert access.refusal("U-MEMBER", Right.DECIDE)


def test_whoever_may_decide_may_start_where_no_starters_are_named(directory: FakeDirectory) -> None:
    assert Access(directory, Policy(approvers=("U-MEMBER",))).refusal("U-MEMBER", Right.START) is None


@pytest.mark.parametrize(
    "flaw",
    [{"is_active": False}, {"is_full": False}, {"team_id": "T-OTHER"}, {"is_bot": True}],
    ids=["deactivated", "guest", "another workspace", "bot"],
)
@BOTH
def test_being_named_does_not_help_who_is_not_an_active_full_member_here(
    directory: FakeDirectory, right: Right, flaw: dict[str, object]
) -> None:
    directory.change("U-ADMIN", **flaw)
    access = Access(directory, Policy(approvers=("U-ADMIN",)))

    assert access.refusal("U-ADMIN", right)
    assert access.recipient_refusal("U-ADMIN")


def test_a_user_whom_slack_does_not_know_may_nothing(directory: FakeDirectory) -> None:
    assert Access(directory, Policy(approvers=("U-GONE",))).refusal("U-GONE", Right.DECIDE)


def test_any_active_full_member_can_be_handed_secrets(directory: FakeDirectory) -> None:
    assert Access(directory, Policy()).recipient_refusal("U-MEMBER") is None


@pytest.mark.parametrize("trouble", [Uncertain("no answer"), Later("slowly", seconds=3)])
@BOTH
def test_if_slack_cannot_be_asked_the_error_surfaces(
    directory: FakeDirectory, right: Right, trouble: OutsideError
) -> None:
    directory.trouble = trouble
    access = Access(directory, Policy(approvers=("U-ADMIN",)))

    with pytest.raises(type(trouble)):
        access.refusal("U-ADMIN", right)
    with pytest.raises(type(trouble)):
        access.recipient_refusal("U-ADMIN")


def test_a_refusal_is_a_sentence_without_shouting(directory: FakeDirectory) -> None:
    refusal = Access(directory, Policy()).refusal("U-MEMBER", Right.DECIDE)

    assert refusal and refusal.endswith(".") and "!" not in refusal


def test_the_bot_writes_to_active_people_alone() -> None:
    assert reachable(a_member())
    assert not reachable(a_member(is_active=False))
    assert not reachable(a_member(is_bot=True))
    assert not reachable(None)
