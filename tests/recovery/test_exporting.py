"""The trail as a file in the thread: for approvers, once, and recorded."""

import csv
import io
import json
from datetime import timedelta

import pytest
from sqlalchemy import text

from recovery.audit import Action
from recovery.content import Place
from recovery.errors import Later, Refused, Uncertain
from recovery.exporting import COPY, EXPORT
from tests.recovery.builders import a_member, a_user
from tests.recovery.fakes.slack import Shared
from tests.recovery.world import APPROVER, REQUESTER, STRANGER, World


@pytest.fixture
def told(world: World) -> World:
    """An incident in whose trail somebody's 2FA is told of."""
    world.mailgun.has_user(a_user("ann"))
    world.directory.has(a_member("U-ANN", email="ann@acme.example"))
    world.opened().approved("4").draw()
    assert [entry for entry in world.trail() if entry.facts.private]
    return world


def exports(world: World) -> list[str]:
    return [
        f"{entry.facts.actor} {entry.facts.subject}: {entry.facts.result}" for entry in world.trail(Action.EXPORTED)
    ]


def only(world: World) -> Shared:
    (file,) = world.slack.shared
    return file


def test_an_approver_gets_the_trail_into_the_thread_as_csv(told: World) -> None:
    many = len(told.trail())
    assert "goes into the thread as a CSV file" in told.type("export")
    told.work()

    file = only(told)
    assert file.place == Place(told.incident.channel_id, told.incident.thread_ts)
    assert file.document.name == f"mailgun-incident-{told.incident.id}-trail.csv"
    rows = list(csv.reader(io.StringIO(file.document.text)))
    assert [row[0] for row in rows if row and row[0].isdigit()] == [str(n) for n in range(1, many + 1)]
    assert APPROVER in file.words


def test_it_is_recorded_who_exported_it(told: World) -> None:
    many = len(told.trail())
    told.type("export json")
    told.work()

    assert exports(told) == [f"{APPROVER} the trail: {many} entries as a JSON file in the thread"]


@pytest.mark.parametrize("form", ["csv", "json", "md"])
def test_private_entries_stand_in_the_file_without_names(told: World, form: str) -> None:
    told.type(f"export {form}")
    told.work()

    said = only(told).document.text
    assert "ann@acme.example" not in said.replace("\\", "")
    assert "told a person" in said
    assert "without names" in said


def test_who_acted_is_named_as_slack_names_them(told: World) -> None:
    told.type("export json")
    told.work()

    document = json.loads(only(told).document.text)
    assert document["incident"]["opened_by"] == {"id": REQUESTER, "name": "req"}
    assert document["chain"] == "intact in the database"


def test_a_chain_that_is_broken_is_exported_and_said_to_be(told: World) -> None:
    with told.database._writing.begin() as connection:
        connection.execute(text("UPDATE audit_entries SET result = 'for fun' WHERE number = 1"))
    told.type("export json")
    told.work()

    assert "not intact: Entry 1 was changed" in json.loads(only(told).document.text)["chain"]


@pytest.mark.parametrize("by", [STRANGER, "U-ANN"])
def test_whoever_is_no_approver_is_refused_and_nothing_is_exported(told: World, by: str) -> None:
    assert "not among those who may decide" in told.type("export", by=by)
    told.work()

    assert told.slack.files == []
    assert exports(told) == []


def test_a_form_that_there_is_not_is_answered_in_words(told: World) -> None:
    assert "export [csv|json|md|report]" in told.type("export pdf")
    told.work()
    assert told.slack.files == []


def test_a_button_with_a_form_that_there_is_not_changes_nothing(told: World) -> None:
    assert "no such form" in told.press("export", form="exe")
    told.work()
    assert told.slack.files == []


def test_without_an_incident_there_is_nothing_to_export(world: World) -> None:
    assert "There is no incident" in world.type("export")


def test_before_there_is_a_thread_nothing_is_exported(world: World) -> None:
    world.type("", by=REQUESTER)
    assert "no thread yet" in world.type("export")


def test_an_incident_that_has_ended_can_be_exported(told: World) -> None:
    told.type("cancel false alarm")
    told.work()
    told.type("export")
    told.work()

    assert len(told.slack.shared) == 1
    assert len(exports(told)) == 1


# --- Once, whatever happens on the way ------------------------------------------------------------------------


@pytest.mark.parametrize("arrived", [False, True], ids=["lost", "arrived"])
@pytest.mark.parametrize("call", ["bring", "share"])
def test_a_call_whose_end_is_not_known_leaves_one_file_in_the_thread(told: World, call: str, arrived: bool) -> None:
    told.slack.fail(call, Uncertain("timed out"), after=arrived)
    told.type("export")
    told.work()

    assert len(told.slack.shared) == 1
    assert len(exports(told)) == 1


def test_a_share_that_is_put_off_shares_the_file_that_is_there(told: World) -> None:
    told.slack.fail("share", Later("one message a second", seconds=1), times=2)
    told.type("export")
    told.work()

    assert len(told.slack.files) == len(told.slack.shared) == 1


def test_a_file_that_slack_shows_late_is_found_rather_than_shared_again(told: World) -> None:
    told.slack.fail("share", Uncertain("timed out"), after=True)
    told.slack.hidden_looks = 1
    told.type("export")
    told.work()

    assert len(told.slack.files) == 1


def test_a_copy_that_turns_up_is_deleted(told: World) -> None:
    told.slack.fail("share", Uncertain("timed out"), after=True, times=2)
    told.slack.hidden_looks = 2
    told.type("export")
    told.work()

    assert len(told.slack.files) == 2
    assert only(told) is told.slack.files[0]


def test_every_attempt_has_the_entries_of_the_first(told: World) -> None:
    many = len(told.trail())
    told.slack.fail("share", Uncertain("timed out"))
    told.type("export")
    told.drain(EXPORT)
    told.type("skip 1 not needed")
    told.work()

    assert [file.document.text.count("2026-") for file in told.slack.files[1:]] == [
        told.slack.files[0].document.text.count("2026-")
    ]
    assert exports(told) == [f"{APPROVER} the trail: {many} entries as a CSV file in the thread"]


def test_three_shares_without_certainty_are_a_failure_for_people_to_see(told: World) -> None:
    told.slack.fail("share", Uncertain("timed out"), times=10)
    told.type("export")
    told.work(timedelta(minutes=10))

    assert len(told.slack.files) == 3
    assert [entry.facts.subject for entry in told.trail(Action.FAILED)] == ["exporting the trail"]
    assert "audit export" in told.answer


def test_after_a_crash_in_the_share_the_file_is_there_once(told: World) -> None:
    told.type("export")
    job = told.claim(EXPORT)
    assert job
    told.slack.fail("share", SystemExit(), after=True)
    with pytest.raises(SystemExit):
        told.run(job)
    told.start()
    told.clock.pass_by(told.policy.lease)
    told.work()

    assert len(told.slack.files) == 1
    assert len(exports(told)) == 1


def test_a_slack_that_asks_to_wait_gets_the_file_afterwards(told: World) -> None:
    told.slack.fail("share", Later("slow down", seconds=5), times=3)
    told.type("export")
    told.work()

    assert len(told.slack.shared) == 1


def test_a_refusal_is_told_to_whoever_asked_and_stands_in_the_trail(told: World) -> None:
    told.slack.fail("bring", Refused("The app lacks the permission files:write.", code="missing_scope"))
    told.type("export")
    told.work()

    assert "files:write" in told.answer
    assert "audit export" in told.answer
    (failed,) = told.trail(Action.FAILED)
    assert "files:write" in failed.facts.result
    assert exports(told) == []


def test_an_upload_that_has_to_wait_does_not_hold_up_the_trail(told: World) -> None:
    told.slack.fail("share", Later("slow down", seconds=3600), times=9)
    told.type("export")
    told.work()
    told.type("skip 1 not needed")
    told.draw()

    assert told.incident.audit_posted == told.incident.audit_count


# --- Another process took it over -------------------------------------------------------------------------------


def taken_over(world: World, *, found: bool) -> None:
    """A process shares its file only after another has taken the export over, and has ended it."""
    world.type("export")
    job = world.claim(EXPORT)
    assert job
    share = world.slack.share

    def late(*what: object) -> None:
        world.slack.share = share
        if found:
            share(*what)
        world.clock.pass_by(world.policy.lease + timedelta(seconds=1))
        other = world.claim(EXPORT)
        assert other
        world.run(other)
        world.work()
        if not found:
            share(*what)

    world.slack.share = late
    world.run(job)
    world.work()


@pytest.mark.parametrize("found", [False, True], ids=["shared after the other's", "found by the other"])
def test_two_processes_leave_one_file(told: World, found: bool) -> None:
    taken_over(told, found=found)

    assert len(told.slack.shared) == 1
    assert len(exports(told)) == 1
    with told.database.read() as tx:
        assert tx.tasks.last_done(told.incident.id, COPY)
