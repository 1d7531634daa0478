"""What happens to people while something else happens: crashes, decisions in between, Slack away for hours."""

from datetime import timedelta

import pytest

from recovery.account import SignIn
from recovery.actions import Ask
from recovery.audit import Action
from recovery.content import Marker, MarkerKind
from recovery.errors import Refused, Uncertain, Unreachable
from recovery.message_plan import REMIND, TELL
from recovery.state import IncidentStatus, ObligationStatus, Standing, StepStatus
from tests.recovery.builders import DAY, HOUR, a_member, a_user
from tests.recovery.people import poll, turn_off, turn_on
from tests.recovery.world import World

TOLD, REMINDER = MarkerKind.CHECKLIST, MarkerKind.REMINDER


def about(world: World, name: str = "ann") -> dict[str, str]:
    person = world.person(name)
    return {"person": str(person.id), "version": str(person.version)}


@pytest.fixture
def anne(ann: World) -> World:
    """Somebody in Slack who could be taken for Ann."""
    ann.directory.has(a_member("U-ANNE", email="anne@private.example"))
    return ann


def test_what_the_wrong_person_did_is_not_the_right_ones(anne: World) -> None:
    anne.approved("4")
    turn_on(anne, at=anne.clock.now() + timedelta(minutes=1))
    anne.later(timedelta(minutes=6))
    assert anne.obligation("ann").status is ObligationStatus.DONE
    anne.press(Ask.IDENTIFY, by="U-REQ", chosen="U-ANNE", **about(anne))
    anne.work()
    anne.later(timedelta(minutes=6))

    assert anne.obligation("ann").status is ObligationStatus.QUESTIONED
    assert "Was that you?" in anne.messages_to("U-ANNE", TOLD)[0]


def test_who_is_identified_is_not_reminded_because_somebody_urged_the_wrong_one(anne: World) -> None:
    anne.approved("4")
    anne.clock.pass_by(10 * HOUR)
    anne.mailgun.fail("users", Uncertain("away"))
    anne.type("remind ann@acme.example")
    anne.work(timedelta(0))
    anne.press(Ask.IDENTIFY, by="U-REQ", chosen="U-ANNE", **about(anne))
    anne.later(timedelta(minutes=5))

    assert anne.messages_to("U-ANNE", TOLD)
    assert not anne.messages_to("U-ANNE", REMINDER)


def test_what_the_wrong_person_said_is_not_the_right_ones(world: World) -> None:
    world.mailgun.has_user(a_user("sid", sign_in=SignIn.SINCH))
    for user_id in ("U-SID", "U-SIDNEY"):
        world.directory.has(a_member(user_id))
    world.opened().approved("4")
    world.type("done", by="U-SID")
    world.press(Ask.IDENTIFY, by="U-REQ", chosen="U-SIDNEY", **about(world, "sid"))
    world.work()

    assert world.messages_to("U-SIDNEY", TOLD)
    assert world.obligation("sid").said_at is None


def test_who_is_identified_while_being_written_to_is_written_to_themselves(anne: World) -> None:
    def somebody_says_who_it_is(marker: Marker) -> None:
        if marker.kind is TOLD:
            anne.slack.while_posting = lambda marker: None
            anne.press(Ask.IDENTIFY, by="U-REQ", chosen="U-ANNE", **about(anne))

    anne.slack.while_posting = somebody_says_who_it_is
    anne.approved("4")

    assert not anne.messages_to("U-ANN", TOLD)
    assert len(anne.messages_to("U-ANNE", TOLD)) == 1


def test_who_is_identified_while_the_wrong_one_is_told_more_is_told_all_themselves(anne: World) -> None:
    anne.approved("4")

    def somebody_says_who_it_is(marker: Marker) -> None:
        if marker.kind is REMINDER:
            anne.slack.while_posting = lambda marker: None
            anne.press(Ask.IDENTIFY, by="U-REQ", chosen="U-ANNE", **about(anne))

    anne.slack.while_posting = somebody_says_who_it_is
    anne.approved("3")

    (told,) = anne.messages_to("U-ANNE", TOLD)
    assert "Reset your Mailgun password" in told and "Turn on two-factor" in told


def test_who_was_identified_meanwhile_is_not_lost_touch_with(anne: World) -> None:
    def somebody_says_who_it_is(marker: Marker) -> None:
        if marker.kind is TOLD:
            anne.slack.while_posting = lambda marker: None
            anne.press(Ask.IDENTIFY, by="U-REQ", chosen="U-ANNE", **about(anne))
            raise Unreachable("That is a bot.", code="cannot_dm_bot")

    anne.slack.while_posting = somebody_says_who_it_is
    anne.approved("4")

    assert anne.person("ann").standing is Standing.NAMED
    assert len(anne.messages_to("U-ANNE", TOLD)) == 1


def test_who_was_removed_and_added_again_between_two_steps_is_asked_for_both(ann: World) -> None:
    ann.approved("4")
    user = ann.mailgun.people.pop("mailgun-ann")
    poll(ann)
    assert ann.obligation("ann").status is ObligationStatus.DROPPED
    ann.mailgun.has_user(user)
    ann.approved("3")

    assert ann.obligation("ann", "4").is_open and ann.obligation("ann", "3").is_open
    assert ann.status("4") is StepStatus.RUNNING


def test_a_reminder_that_slack_held_up_until_night_waits_for_the_morning(ann: World) -> None:
    ann.approved("4")
    ann.slack.fail("post", Uncertain("timed out"), "reminder", times=0)
    ann.directory.trouble = Uncertain("Slack is away")
    ann.clock.pass_by(timedelta(hours=4, minutes=1))
    ann.work(timedelta(0))
    ann.clock.pass_by(timedelta(hours=9))
    ann.directory.trouble = None
    ann.work(timedelta(hours=1))
    assert not ann.messages_to("U-ANN", REMINDER)

    ann.later(timedelta(hours=11))
    assert len(ann.messages_to("U-ANN", REMINDER)) == 1


def test_after_days_without_slack_there_is_one_reminder_and_not_one_for_each_that_was_due(ann: World) -> None:
    ann.approved("4")
    ann.directory.trouble = Uncertain("Slack is away")
    for _ in range(9):
        ann.later(8 * HOUR, timedelta(0))
    ann.directory.trouble = None
    ann.later(timedelta(minutes=5))

    assert len(ann.messages_to("U-ANN", REMINDER)) <= 1
    assert ann.person("ann").reminders <= 1


def test_a_refusal_that_is_not_about_the_person_is_on_the_board_and_no_reminder_is_lost(ann: World) -> None:
    ann.approved("4")
    ann.slack.fail("post", Refused("The token was revoked.", code="token_revoked"), "reminder", times=5)
    ann.clock.pass_by(timedelta(hours=4, minutes=1))
    ann.work(timedelta(0))
    assert "Trouble: reminding a person: The token was revoked." in ann.board
    assert len(ann.trail(Action.NOT_REACHED)) == 0

    ann.later(timedelta(minutes=10))
    assert len(ann.messages_to("U-ANN", REMINDER)) == 1
    assert ann.person("ann").reminders == 1


def test_who_put_it_off_while_a_reminder_was_on_its_way_is_not_sent_it(ann: World) -> None:
    ann.approved("4")
    ann.directory.trouble = Uncertain("Slack is away")
    ann.clock.pass_by(timedelta(hours=4, minutes=1))
    ann.work(timedelta(0))
    ann.directory.trouble = None
    ann.ask(Ask.LATER, "U-ANN", about={"chosen": "tomorrow"})
    ann.drain("judge")
    ann.work()

    assert not ann.messages_to("U-ANN", REMINDER)
    assert ann.person("ann").put_off == 1


def test_a_change_from_before_somebody_told_them_by_hand_can_be_confirmed(world: World) -> None:
    world.mailgun.has_user(a_user("zoe"))
    world.opened().approved("4")
    turn_on(world, "zoe", at=world.clock.now())
    world.press(Ask.BY_HAND, by="U-REQ", **about(world, "zoe"))
    world.later(timedelta(minutes=6))
    assert world.obligation("zoe").is_open

    assert "with your name" in world.type("confirm zoe@acme.example 4")


def test_those_who_are_never_reminded_are_in_a_summary_too(world: World) -> None:
    world.mailgun.has_user(a_user("zoe", is_master=True))
    world.opened().approved("4")
    world.press(Ask.BY_HAND, by="U-REQ", **about(world, "zoe"))
    for _ in range(12):
        world.later(4 * HOUR)

    assert world.messages_to("U-REQ", MarkerKind.SUMMARY)


def test_whoever_finds_that_it_is_not_done_has_the_person_reminded(world: World) -> None:
    world.mailgun.has_user(a_user("sid", sign_in=SignIn.SINCH))
    world.directory.has(a_member("U-SID", email="sid@acme.example"))
    world.opened().approved("4")
    world.type("done", by="U-SID")
    world.type("remind sid@acme.example")
    world.work()

    assert world.messages_to("U-SID", REMINDER)
    assert "I have two-factor on" in world.messages_to("U-SID", TOLD)[0]


def test_a_new_incident_that_is_cancelled_gives_the_people_back(ann: World) -> None:
    ann.approved("4").recovered_but_for_two_factor()
    earlier = ann.incident.id
    ann.opened()
    ann.type("cancel opened by mistake")
    ann.work()
    for _ in range(2):
        ann.later(DAY)

    with ann.database.read() as tx:
        assert tx.incidents.get(earlier).status is IncidentStatus.RECOVERED
    assert ann.messages_to("U-ANN", REMINDER)


def test_a_place_in_the_list_that_slack_has_forgotten_holds_nobody_up(world: World) -> None:
    for number in range(60):
        world.mailgun.has_user(a_user(f"u{number}"))
        world.directory.has(a_member(f"U-{number}", email=f"u{number}@acme.example"))
    world.directory.page_size, world.directory.page_faults = 20, {2: Refused("gone", code="invalid_cursor")}
    world.opened().approved("4")
    world.later(timedelta(minutes=5))

    assert len(world.slack.of_kind(TOLD)) == 60


def test_one_more_whom_the_bot_cannot_reach_is_told_in_a_message_of_its_own(ann: World) -> None:
    ann.mailgun.has_user(a_user("zoe"))
    ann.approved("4")
    ann.directory.change("U-ANN", is_active=False)
    ann.later(timedelta(hours=4, minutes=5))

    (notice,) = ann.messages_to("U-REQ", MarkerKind.NOTICE)
    assert "One more whom the bot cannot reach" in notice and "ann@acme.example" in notice


def test_nobody_of_another_workspace_is_named(world: World) -> None:
    world.mailgun.has_user(a_user("zoe"))
    world.directory.has(a_member("U-RITA", team_id="T-PARTNER", is_full=False))
    world.opened().approved("4")
    said = world.press(Ask.IDENTIFY, by="U-REQ", chosen="U-RITA", **about(world, "zoe"))

    assert "of this workspace only" in said
    assert world.person("zoe").standing is Standing.NOT_FOUND


def test_who_comes_to_slack_later_is_found_on_another_day(world: World) -> None:
    world.mailgun.has_user(a_user("zoe"))
    world.opened().approved("4")
    world.directory.has(a_member("U-ZOE", email="zoe@acme.example"))
    for _ in range(12):
        world.later(4 * HOUR)

    assert world.messages_to("U-ZOE", TOLD)


@pytest.fixture
def moved(ann: World) -> World:
    """Ann is deactivated half-way, and has a new Slack account with the same address."""
    ann.approved("4")
    ann.directory.change("U-ANN", is_active=False)
    ann.later(timedelta(hours=4, minutes=5))
    assert ann.person("ann").standing is Standing.DEACTIVATED
    ann.directory.change("U-ANN", email="old@acme.example")
    ann.directory.has(a_member("U-ANN-2", email="ann@acme.example"))
    return ann


def test_who_has_a_new_slack_account_is_told_there_and_the_old_message_is_taken_back(moved: World) -> None:
    for _ in range(12):
        moved.later(4 * HOUR)

    assert len(moved.messages_to("U-ANN-2", TOLD)) == 1
    assert not moved.messages_to("U-ANN", TOLD)
    assert moved.messages_to("U-ANN-2", REMINDER)


def test_who_has_a_new_slack_account_is_told_there_by_a_new_incident(moved: World) -> None:
    moved.recovered_but_for_two_factor().opened().approved("4")

    assert len(moved.messages_to("U-ANN-2", TOLD)) == 1


def test_who_undoes_it_at_the_moment_a_reminder_finds_nothing_left_is_not_forgotten(ann: World) -> None:
    ann.approved("4")
    ann.directory.trouble = Uncertain("Slack is away")
    ann.clock.pass_by(timedelta(hours=4, minutes=2))
    ann.work(timedelta(0))
    turn_on(ann)
    ann.clock.pass_by(timedelta(minutes=6))
    ann.work(timedelta(0))
    assert not ann.obligation("ann").is_open
    turn_off(ann)
    ann.directory.trouble = None
    ann.clock.pass_by(timedelta(minutes=4))
    job = ann.claim(REMIND)
    assert job is not None
    job.kind.run(job)
    ann.work()
    job.finish()
    for _ in range(24):
        ann.later(HOUR)

    assert ann.messages_to("U-ANN", REMINDER)


def test_with_two_persons_nobody_confirms_their_own_part(world: World) -> None:
    world.start(two_person=True)
    world.mailgun.has_user(a_user("app", sign_in=SignIn.SAML))
    world.opened().approved("4")

    assert "another approver" in world.type("confirm app@acme.example 4", by="U-APP")
    assert world.obligation("app").is_open


def test_a_crash_in_the_first_message_leaves_one(ann: World) -> None:
    ann.slack.fail("post", SystemExit(), "checklist", after=True)
    ann.press(Ask.APPROVE, "4")
    with pytest.raises(SystemExit):
        ann.work()
    ann.start()
    ann.clock.pass_by(ann.policy.lease)
    ann.work()

    assert len(ann.messages_to("U-ANN", TOLD)) == 1
    assert len(ann.trail(Action.PERSON_TOLD)) == 1
    assert not ann.claim(TELL)
