"""Who is who, in the practice Slack over real HTTP."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from slack_sdk import WebClient

from drill.slack.model import User
from handlers.calls import Calls
from handlers.directory import SlackDirectory
from handlers.fresh import Fresh
from handlers.identity import Identity
from recovery.errors import Later, Refused, Uncertain
from tests.clocks import StillClock
from tests.handlers.conftest import PracticeSlack


@pytest.fixture
def directory(client: WebClient, identity: Identity, clock: StillClock) -> SlackDirectory:
    return SlackDirectory(client, identity, Calls(pace=0), monotonic=clock)


def test_home_is_asked_for_once(slack: PracticeSlack, directory: SlackDirectory) -> None:
    assert directory.home_team() == directory.home_team() == "TEXAMPLE"
    assert str(slack.log()).count("auth.test") == 1


@pytest.mark.parametrize(
    ("user", "is_active", "is_full", "is_admin", "is_bot"),
    [
        ("UOLIVIA", True, True, True, False),
        ("UPRIYA", True, True, True, False),
        ("UNOAH", True, True, False, False),
        ("UGRETA", True, False, False, False),
        ("URITA", True, False, False, False),
        ("UFINN", False, False, False, False),
        ("UBOT", True, False, False, True),
    ],
)
def test_what_somebody_is(
    directory: SlackDirectory, user: str, is_active: bool, is_full: bool, is_admin: bool, is_bot: bool
) -> None:
    member = directory.member(user)

    assert member is not None
    assert (member.is_active, member.is_full, member.is_admin, member.is_bot) == (
        is_active,
        is_full,
        is_admin,
        is_bot,
    )


def test_people_are_found_by_address(directory: SlackDirectory) -> None:
    member = directory.by_email("Noah@example.com")

    assert member is not None
    assert (member.id, member.tz, member.email) == ("UNOAH", "Europe/Prague", "noah@example.com")
    assert directory.by_email("nobody@example.com") is None
    assert directory.member("UNOBODY") is None


def test_everyone_is_listed_as_they_are_by_themselves(slack: PracticeSlack, directory: SlackDirectory) -> None:
    page = directory.everyone()

    assert page.next_cursor == ""
    assert {member.id for member in page.members} == set(slack.workspace.users)
    assert all(member == directory.member(member.id) for member in page.members)
    by_id = {member.id: member for member in page.members}
    assert not by_id["UFINN"].is_active
    assert by_id["UBOT"].is_bot and by_id["USLACKBOT"].is_bot
    assert not by_id["URITA"].is_full


def test_everyone_comes_in_pages_of_a_thousand(slack: PracticeSlack, directory: SlackDirectory) -> None:
    known = set(slack.workspace.users)
    many = {f"U{number}": User(f"U{number}", f"u{number}", "Somebody", "TEXAMPLE") for number in range(2_000)}
    slack.workspace.users |= many
    pages = [directory.everyone()]
    while pages[-1].next_cursor:
        pages.append(directory.everyone(pages[-1].next_cursor))

    assert [len(page.members) for page in pages] == [1_000, 1_000, len(known)]
    assert {member.id for page in pages for member in page.members} == known | set(many)


def test_who_is_listed_is_asked_for_each_time(slack: PracticeSlack, directory: SlackDirectory) -> None:
    directory.everyone()
    slack.workspace.users["UNOAH"].deleted = True

    assert not next(member for member in directory.everyone().members if member.id == "UNOAH").is_active


def test_a_cursor_that_slack_does_not_know_is_refused_as_such(directory: SlackDirectory) -> None:
    with pytest.raises(Refused) as raised:
        directory.everyone("from another day")
    assert raised.value.code == "invalid_cursor"


def test_a_list_that_does_not_come_is_told_apart(slack: PracticeSlack, directory: SlackDirectory) -> None:
    directory.home_team()
    slack.fault("users.list", "429", seconds=30)
    with pytest.raises(Later) as later:
        directory.everyone()
    assert later.value.seconds == 30
    for fault in ("500", "garbage", "drop"):
        slack.fault("users.list", fault)
        with pytest.raises(Uncertain):
            directory.everyone()


def test_groups(directory: SlackDirectory) -> None:
    assert directory.group("SSECOPS") == {"UPRIYA", "USAM"}
    assert directory.group("SNOTHING") == frozenset()


def test_channels(slack: PracticeSlack, directory: SlackDirectory) -> None:
    assert directory.channel("CINCIDENT").is_member
    assert not directory.channel("CGENERAL").is_member
    assert directory.channel("CPARTNERS").is_shared_outside
    assert not directory.channel("CNOWHERE").known
    direct, _ = slack.workspace.open_dm("UNOAH")
    assert directory.channel(direct.id).is_direct


def test_facts_are_at_most_ten_seconds_old(slack: PracticeSlack, directory: SlackDirectory, clock: StillClock) -> None:
    assert directory.group("SSECOPS") == {"UPRIYA", "USAM"}
    slack.workspace.usergroups["SSECOPS"].users.remove("USAM")
    clock.now = 9.9
    assert directory.group("SSECOPS") == {"UPRIYA", "USAM"}
    clock.now = 10.0
    assert directory.group("SSECOPS") == {"UPRIYA"}


def test_failures_are_told_apart_and_not_kept(slack: PracticeSlack, directory: SlackDirectory) -> None:
    directory.home_team()
    slack.fault("users.info", "429", seconds=3)
    with pytest.raises(Later) as raised:
        directory.member("UNOAH")
    assert raised.value.seconds == 3

    slack.fault("users.info", "drop")
    with pytest.raises(Uncertain):
        directory.member("UNOAH")

    slack.workspace.app.scopes.discard("users:read")
    with pytest.raises(Refused, match="users:read"):
        directory.member("UNOAH")
    slack.workspace.app.scopes.add("users:read")
    assert directory.member("UNOAH") is not None


def test_one_look_up_answers_everybody_who_waits() -> None:
    facts: Fresh[int] = Fresh(10, lambda: 0.0)
    asked, go = [], threading.Event()

    def look_up() -> int:
        asked.append(1)
        go.wait(5)
        return 42

    with ThreadPoolExecutor(20) as pool:
        answers = [pool.submit(facts.get, "fact", look_up) for _ in range(20)]
        go.set()
        assert [answer.result() for answer in answers] == [42] * 20
    assert len(asked) == 1


def test_everybody_who_waits_is_told_of_the_failure_and_the_next_asks_again() -> None:
    facts: Fresh[int] = Fresh(10, lambda: 0.0)
    go = threading.Event()

    def fail() -> int:
        go.wait(5)
        raise Uncertain("no answer")

    with ThreadPoolExecutor(5) as pool:
        answers = [pool.submit(facts.get, "fact", fail) for _ in range(5)]
        go.set()
        assert all(isinstance(answer.exception(), Uncertain) for answer in answers)
    assert facts.get("fact", lambda: 1) == 1
