"""A secret is sent at most once, and the one that works was sent."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from recovery.actions import Ask
from recovery.audit import Action
from recovery.content import MarkerKind
from recovery.errors import Later, Refused, TooLong, Uncertain
from recovery.state import HandoverStatus, StepStatus, TaskStatus
from tests.recovery.world import World

POSTMASTER = "us/mg.acme.example/postmaster@mg.acme.example"
HANDOVER = "handover D-"
LOST = pytest.mark.parametrize("arrived", [False, True], ids=["lost", "arrived"])


@pytest.fixture
def ready(world: World) -> World:
    """One login, step 2 to be approved."""
    return world.with_logins().opened()


def secrets(world: World) -> list[str]:
    return [secret for posted in world.slack.handovers for secret in posted.secrets.values()]


@LOST
def test_after_an_uncertain_send_a_new_password_is_set_and_sent(ready: World, arrived: bool) -> None:
    ready.slack.fail("post", Uncertain("timed out"), HANDOVER, after=arrived)
    ready.approved("2")

    dead, alive = ready.mailgun.passwords[POSTMASTER]
    assert dead != alive
    assert secrets(ready)[-1] == alive
    assert secrets(ready).count(alive) == 1
    assert ready.status("2") is StepStatus.DONE


def test_the_new_message_says_that_it_replaces_the_earlier_one(ready: World) -> None:
    ready.slack.fail("post", Uncertain("timed out"), HANDOVER)
    ready.approved("2")

    assert "replace handover 1" in ready.slack.handovers[-1].words


def test_a_doubtful_message_that_turns_up_is_wiped(ready: World) -> None:
    ready.slack.fail("post", Uncertain("timed out"), HANDOVER, after=True)
    ready.approved("2")
    ready.work()

    doubtful = ready.slack.handovers[0]
    assert ready.mailgun.passwords[POSTMASTER][0] not in doubtful.words
    assert "wiped" in doubtful.words and "1 SMTP password" in doubtful.words
    assert ready.handovers()[0].status is HandoverStatus.DOUBTFUL
    assert len(ready.trail(Action.HANDOVER_DOUBTFUL)) == 1
    assert len(ready.trail(Action.HANDOVER_WIPED)) == 1


def test_a_doubtful_message_that_slack_shows_late_is_wiped_too(ready: World) -> None:
    ready.slack.fail("post", Uncertain("timed out"), HANDOVER, after=True)
    ready.slack.hidden_looks = 1
    ready.approved("2")
    ready.work()

    assert ready.mailgun.passwords[POSTMASTER][0] not in ready.slack.handovers[0].words


def test_three_uncertain_sends_need_attention(ready: World) -> None:
    ready.slack.fail("post", Uncertain("timed out"), HANDOVER, times=3)
    ready.approved("2")

    assert ready.status("2") is StepStatus.NEEDS_ATTENTION
    assert [h.status for h in ready.handovers()] == [HandoverStatus.DOUBTFUL] * 3
    assert not ready.slack.handovers


def test_two_uncertain_sends_are_followed_by_a_third_that_names_both(ready: World) -> None:
    ready.slack.fail("post", Uncertain("timed out"), HANDOVER, after=True, times=2)
    ready.approved("2")

    assert ready.status("2") is StepStatus.DONE
    last = next(posted for posted in ready.slack.handovers if posted.marker.details["number"] == 3)
    replaced = last.words.split("replace handover")[1].split("which")[0]
    assert "1" in replaced and "2" in replaced


def test_after_three_uncertain_sends_a_retry_counts_anew(ready: World) -> None:
    ready.slack.fail("post", Uncertain("timed out"), HANDOVER, times=3)
    ready.approved("2")
    ready.press(Ask.RETRY, "2")
    ready.work()

    assert ready.status("2") is StepStatus.DONE
    assert secrets(ready) == [ready.mailgun.password_of(POSTMASTER)]


def test_after_three_uncertain_sends_the_message_of_a_retry_still_says_what_it_replaces(ready: World) -> None:
    ready.slack.fail("post", Uncertain("timed out"), HANDOVER, times=3)
    ready.approved("2")
    ready.press(Ask.RETRY, "2")
    ready.work()

    assert "replace handover" in ready.slack.handovers[-1].words


def test_after_a_crash_while_sending_new_secrets_are_sent(ready: World) -> None:
    ready.press(Ask.APPROVE, "2")
    ready.drain("smtp_credentials.begin")

    def crash(marker: object) -> None:
        raise SystemExit

    ready.slack.while_posting = crash
    job = ready.claim("smtp_credentials.set")
    assert job
    with pytest.raises(SystemExit):
        ready.run(job)
    ready.slack.while_posting = lambda marker: None
    ready.start()
    ready.later(ready.policy.lease)

    dead, alive = ready.mailgun.passwords[POSTMASTER]
    assert dead != alive
    assert secrets(ready) == [alive]
    assert "replace handover 1" in ready.slack.handovers[0].words


@pytest.mark.parametrize("error", [Refused("not allowed", code="restricted_action"), TooLong("too long", code="x")])
def test_a_refused_send_marks_nothing_as_sent_and_fails_with_its_reason(ready: World, error: Refused) -> None:
    ready.slack.fail("post", error, HANDOVER)
    ready.approved("2")

    assert ready.status("2") is StepStatus.NEEDS_ATTENTION
    assert [h.status for h in ready.handovers()] == [HandoverStatus.ABANDONED]
    assert str(error) in ready.card("2")
    assert not ready.tasks("2", TaskStatus.DONE, kind="smtp_credentials.set")
    assert not ready.trail(Action.HANDED_OVER)


def test_a_refused_send_is_no_doubt(ready: World) -> None:
    ready.slack.fail("post", Refused("no", code="restricted_action"), HANDOVER)
    ready.approved("2")
    ready.press(Ask.RETRY, "2")
    ready.work()

    assert "replace" not in ready.slack.handovers[0].words
    assert secrets(ready) == [ready.mailgun.password_of(POSTMASTER)]


def test_when_slack_asks_to_wait_the_same_password_is_sent_afterwards(ready: World) -> None:
    ready.slack.fail("post", Later("slow down", seconds=40), HANDOVER, times=2)
    ready.approved("2")

    assert ready.mailgun.passwords[POSTMASTER] == secrets(ready)
    assert len(ready.handovers()) == 1


def test_when_slack_keeps_asking_to_wait_the_handover_is_given_up(ready: World) -> None:
    ready.slack.fail("post", Later("slow down", seconds=60), HANDOVER, times=100)
    ready.approved("2")

    assert ready.status("2") is StepStatus.NEEDS_ATTENTION
    assert ready.handovers()[0].status is HandoverStatus.ABANDONED


def test_nothing_is_sent_to_a_recipient_who_was_deactivated_meanwhile(ready: World) -> None:
    ready.press(Ask.APPROVE, "2")
    ready.drain("smtp_credentials.begin")
    ready.directory.change("U-REQ", is_active=False)
    ready.work()

    assert not ready.slack.handovers
    assert ready.status("2") is StepStatus.NEEDS_ATTENTION
    assert "active member" in ready.card("2")


def test_if_slack_cannot_say_who_the_recipient_is_the_handover_waits(ready: World) -> None:
    ready.press(Ask.APPROVE, "2")
    ready.drain("smtp_credentials.begin")
    ready.directory.trouble = Later("slow down", seconds=5)
    ready.drain()
    assert not ready.slack.handovers
    ready.directory.trouble = None
    ready.work()

    assert secrets(ready) == [ready.mailgun.password_of(POSTMASTER)]


def test_an_approver_can_take_over_from_a_requester_who_can_receive_nothing(ready: World) -> None:
    ready.press(Ask.APPROVE, "2")
    ready.drain("smtp_credentials.begin")
    ready.directory.change("U-REQ", is_active=False)
    ready.work()
    ready.type("reissue all", by="U-APP")
    ready.work()

    assert ready.incident.requester_id == "U-APP"
    assert secrets(ready) == [ready.mailgun.password_of(POSTMASTER)]


def test_a_handover_has_a_message_of_its_own_with_the_button(ready: World) -> None:
    ready.approved("2")

    (controls,) = ready.messages_to("U-REQ", MarkerKind.HANDOVER_CONTROLS)
    assert "Saved, wipe it" in controls and "1 SMTP password" in controls


def test_no_notification_shows_a_secret(ready: World) -> None:
    ready.approved("1", "2")

    for posted in ready.slack.messages:
        notification = getattr(posted.said[0], "notification", "")
        assert not [secret for secret in secrets(ready) if secret in notification]


def test_secrets_go_nowhere_but_into_the_direct_message(ready: World) -> None:
    ready.approved("1", "2")

    for posted in ready.slack.messages:
        if any(secret in posted.words for secret in secrets(ready)):
            assert posted.place.channel_id == "D-U-REQ"
            assert posted.marker.kind is MarkerKind.HANDOVER


# --- Afterwards -----------------------------------------------------------------------------------------


def test_saying_saved_wipes_the_message_and_leaves_a_stub(ready: World) -> None:
    ready.approved("2")
    sent = ready.handovers()[0]
    answer = ready.press(Ask.SAVED, by="U-REQ", handover=str(sent.id))
    ready.work()

    stub = ready.slack.handovers[0].words
    assert "1 handover" in answer
    assert ready.handovers()[0].status is HandoverStatus.SAVED
    assert secrets(ready)[0] not in stub
    assert "1 SMTP password" in stub and f"{sent.sent_at:%Y-%m-%d %H:%M}" in stub and "U-REQ" in stub


def test_saved_can_be_typed(ready: World) -> None:
    ready.approved("2").type("saved all", by="U-REQ")

    assert ready.handovers()[0].status is HandoverStatus.SAVED


def test_only_the_recipient_can_say_saved(ready: World) -> None:
    ready.approved("2")
    answer = ready.press(Ask.SAVED, by="U-APP", handover=str(ready.handovers()[0].id))

    assert "U-REQ" in answer
    assert ready.handovers()[0].status is HandoverStatus.SENT


def test_saying_saved_twice_changes_nothing_more(ready: World) -> None:
    ready.approved("2")
    for _ in range(2):
        answer = ready.press(Ask.SAVED, by="U-REQ", handover=str(ready.handovers()[0].id))

    assert "already" in answer
    assert len(ready.trail(Action.HANDOVER_SAVED)) == 1


def test_there_are_two_reminders_before_a_handover_is_wiped(ready: World) -> None:
    ready.approved("2")
    ttl = ready.policy.handover_ttl
    counts = []
    for _ in range(8):
        ready.later(ttl / 8)
        counts.append(len(ready.messages_to("U-REQ", MarkerKind.REMINDER)))

    assert counts == [0, 0, 1, 1, 1, 2, 2, 2]
    assert ready.handovers()[0].status is HandoverStatus.EXPIRED


def test_an_unsaved_handover_is_wiped_and_its_logins_listed(ready: World) -> None:
    ready.approved("2").later(ready.policy.handover_ttl)

    controls = ready.messages_to("U-REQ", MarkerKind.HANDOVER_CONTROLS)[0]
    assert secrets(ready)[0] not in ready.slack.handovers[0].words
    assert POSTMASTER in controls and "Issue anew" in controls
    assert "handover 1" in ready.board


def test_a_saved_handover_is_not_reminded_of(ready: World) -> None:
    ready.approved("2").type("saved 1", by="U-REQ")
    ready.later(ready.policy.handover_ttl)

    assert not ready.messages_to("U-REQ", MarkerKind.REMINDER)
    assert ready.handovers()[0].status is HandoverStatus.SAVED


def test_a_message_that_somebody_deleted_counts_as_wiped(ready: World) -> None:
    ready.approved("2")
    ready.slack.handovers[0].is_deleted = True
    ready.type("saved 1", by="U-REQ")
    ready.work()

    assert ready.handovers()[0].wiped_at


# --- Issuing anew ---------------------------------------------------------------------------------------


@pytest.fixture
def expired(ready: World) -> World:
    ready.approved("2").later(ready.policy.handover_ttl)
    return ready


def test_what_nobody_saved_is_set_and_handed_over_anew(expired: World) -> None:
    expired.press(Ask.REISSUE, by="U-REQ", handover=str(expired.handovers()[0].id))
    expired.work()

    old, new = expired.mailgun.passwords[POSTMASTER]
    assert old != new
    assert secrets(expired)[-1] == new
    assert expired.status("2") is StepStatus.DONE


@pytest.mark.parametrize("target", ["postmaster@mg.acme.example", "mg.acme.example", "all", "MG.acme.example"])
def test_reissue_takes_a_login_a_domain_or_all(expired: World, target: str) -> None:
    expired.type(f"reissue {target}", by="U-REQ")
    expired.work()

    assert len(expired.mailgun.passwords[POSTMASTER]) == 2


def test_reissue_of_what_was_never_handed_over_changes_nothing(expired: World) -> None:
    answer = expired.type("reissue nobody@mg.acme.example", by="U-REQ")
    expired.work()

    assert "Nothing" in answer
    assert len(expired.mailgun.passwords[POSTMASTER]) == 1


def test_all_means_what_nobody_saved(ready: World) -> None:
    ready.approved("2").type("saved 1", by="U-REQ")
    answer = ready.type("reissue all", by="U-REQ")

    assert "Nothing" in answer


def test_a_saved_login_can_be_issued_anew_by_name(ready: World) -> None:
    ready.approved("2").type("saved 1", by="U-REQ")
    ready.type("reissue postmaster@mg.acme.example", by="U-REQ")
    ready.work()

    assert len(secrets(ready)) == 2


def test_an_approver_who_issues_anew_takes_the_role_over(expired: World) -> None:
    expired.type("reissue all", by="U-APP")
    expired.work()

    assert expired.incident.requester_id == "U-APP"
    assert expired.slack.handovers[-1].place.channel_id == "D-U-APP"
    (taken,) = expired.trail(Action.TOOK_OVER)
    assert (taken.facts.actor, taken.facts.whom) == ("U-APP", "U-REQ")
    assert expired.messages_to("U-APP", MarkerKind.GREETING)


def test_a_stranger_issues_nothing_anew(expired: World) -> None:
    answer = expired.type("reissue all", by="U-STRANGER")
    expired.work()

    assert "not among" in answer
    assert len(expired.slack.handovers) == 1


def test_after_issuing_anew_nobody_is_asked_to_save_the_void_one(ready: World) -> None:
    ready.approved("2").type("reissue all", by="U-REQ")
    ready.work()
    ready.type("saved 2", by="U-REQ")
    ready.later(ready.policy.handover_ttl / 2)
    ready.later(ready.policy.handover_ttl / 2)

    assert not [words for words in ready.messages_to("U-REQ", MarkerKind.REMINDER) if "Handover 1" in words]


def test_after_issuing_anew_the_board_no_longer_offers_it(expired: World) -> None:
    expired.type("reissue all", by="U-REQ")
    expired.work()
    expired.type("saved 2", by="U-REQ")
    expired.work()

    assert "Not saved in time" not in expired.board


def test_after_issuing_anew_the_void_secrets_are_wiped(ready: World) -> None:
    ready.approved("2")
    void = secrets(ready)[0]
    ready.type("reissue all", by="U-REQ")
    ready.work()

    assert void not in ready.slack.handovers[0].words


def test_who_takes_over_in_the_middle_gets_the_rest(make_world: Callable[..., World]) -> None:
    world = make_world(batch=1).with_logins("a", "b").opened()
    world.press(Ask.APPROVE, "2")
    world.drain("smtp_credentials.begin")
    job = world.claim("smtp_credentials.set")
    assert job
    world.run(job)
    world.type("reissue all", by="U-APP")
    world.work()

    assert not world.failures("2")
    assert world.status("2") is StepStatus.DONE
    assert {posted.place.channel_id for posted in world.slack.handovers[1:]} == {"D-U-APP"}


def test_a_login_that_a_later_round_handed_over_is_no_failure_any_more(expired: World) -> None:
    expired.slack.fail("post", Refused("no", code="restricted_action"), HANDOVER)
    expired.type("reissue all", by="U-REQ")
    expired.work()
    expired.type("reissue all", by="U-REQ")
    expired.work()

    assert not expired.failures("2")
    assert expired.status("2") is StepStatus.DONE


def test_issuing_anew_is_possible_once_the_incident_has_closed(ready: World) -> None:
    ready.approved("2", "1", "2").vacated()
    ready.press(Ask.SENT, "5", text="4711")
    ready.work()
    ready.later(timedelta(minutes=10))
    ready.type("reissue postmaster@mg.acme.example", by="U-REQ")
    ready.work()

    assert secrets(ready)[-1] == ready.mailgun.password_of(POSTMASTER)
    assert len(ready.mailgun.passwords[POSTMASTER]) == 3
