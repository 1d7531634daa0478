"""A secret is sent at most once, and the one that works was sent."""

from datetime import timedelta

import pytest

from recovery.actions import Ask
from recovery.audit import Action
from recovery.content import Marker, MarkerKind, Place
from recovery.errors import Later, Paced, Refused, TooLong, Uncertain
from recovery.ports import Content
from recovery.state import HandoverStatus, StepStatus, TaskStatus
from tests.recovery.world import POSTMASTER, World

HANDOVER = "handover D-"
SET = "smtp_credentials.set"
LOST = pytest.mark.parametrize("arrived", [False, True], ids=["lost", "arrived"])


@pytest.fixture
def ready(world: World) -> World:
    """One login, step 2 to be approved."""
    return world.with_logins().opened()


@LOST
def test_after_an_uncertain_send_a_new_password_is_set_and_sent(ready: World, arrived: bool) -> None:
    ready.slack.fail("post", Uncertain("timed out"), HANDOVER, after=arrived)
    ready.approved("2")

    dead, alive = ready.mailgun.passwords[POSTMASTER]
    assert dead != alive
    assert ready.handed_over[-1] == alive
    assert ready.handed_over.count(alive) == 1
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
    assert "wiped" in doubtful.words and "1 SMTP password, sent about at" in doubtful.words
    assert ready.handovers()[0].status is HandoverStatus.DOUBTFUL
    assert len(ready.trail(Action.HANDOVER_DOUBTFUL)) == 1
    assert len(ready.trail(Action.HANDOVER_WIPED)) == 1


def test_a_doubtful_message_that_slack_shows_late_is_wiped_too(ready: World) -> None:
    ready.slack.fail("post", Uncertain("timed out"), HANDOVER, after=True)
    ready.slack.hidden_looks = 1
    ready.approved("2")
    ready.work()

    assert ready.mailgun.passwords[POSTMASTER][0] not in ready.slack.handovers[0].words


def test_a_look_whose_process_died_before_the_next_was_planned_does_not_count(
    ready: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready.slack.fail("post", Uncertain("timed out"), HANDOVER, after=True)
    ready.slack.hidden_looks = 2
    ready.press(Ask.APPROVE, "2")
    ready.drain("smtp_credentials.begin", SET)
    job = ready.claim("handover.wipe_doubtful")
    assert job
    with monkeypatch.context() as while_it_lives:
        while_it_lives.setattr(job, "end_with", dies)
        with pytest.raises(SystemExit):
            ready.run(job)
    ready.start()
    ready.later(ready.policy.lease)

    assert ready.mailgun.passwords[POSTMASTER][0] not in ready.slack.handovers[0].words


def dies(*_: object) -> None:
    raise SystemExit


def dies_in_a_batch(world: World) -> None:
    """The process takes up a batch of logins, and dies in it."""
    job = world.claim(SET)
    assert job
    with pytest.raises(SystemExit):
        world.run(job)


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


def test_what_was_doubtful_counts_although_the_next_attempt_died_before_its_send(ready: World) -> None:
    ready.slack.fail("post", Uncertain("timed out"), HANDOVER, times=2)
    ready.press(Ask.APPROVE, "2")
    while len(ready.handovers()) < 2:
        ready.work(timedelta(seconds=1))
    ready.clock.pass_by(timedelta(seconds=10))
    ready.mailgun.fail("set_password", SystemExit(), POSTMASTER)
    dies_in_a_batch(ready)
    ready.start()
    ready.later(ready.policy.lease)

    last = ready.handovers()[-1]
    assert (last.status, last.attempt, last.replaces) == (HandoverStatus.SENT, 3, (1, 2))


def test_after_three_uncertain_sends_a_retry_counts_anew(ready: World) -> None:
    ready.slack.fail("post", Uncertain("timed out"), HANDOVER, times=3)
    ready.approved("2")
    ready.press(Ask.RETRY, "2")
    ready.work()

    assert ready.status("2") is StepStatus.DONE
    assert ready.handed_over == [ready.mailgun.password_of(POSTMASTER)]


def test_what_an_uncertain_send_carried_is_sent_again_together(world: World) -> None:
    world.with_logins(*(f"login{number}" for number in range(40))).opened()
    world.slack.fail("post", Uncertain("timed out"), HANDOVER)
    world.approved("2")

    first, second = world.handovers()
    assert len(first.subjects) == 41
    assert second.subjects == first.subjects


def parted_after_three(world: World) -> None:
    """Three sends that carried two logins ended uncertain; then each of the logins is on its own."""
    world.with_logins("a").opened()
    world.slack.fail("post", Uncertain("timed out"), HANDOVER, times=100)
    world.press(Ask.APPROVE, "2")
    while len(world.handovers()) < 3:
        world.work(timedelta(seconds=1))
    world.start(batch=1)
    world.work()


def test_three_uncertain_sends_are_enough_also_for_whom_they_parted(world: World) -> None:
    """The other login must not count anew because the first one has given up."""
    parted_after_three(world)

    assert world.status("2") is StepStatus.NEEDS_ATTENTION
    assert len(world.handovers()) == 3
    assert all("three messages" in (task.failure or "") for task in world.failures("2"))


def test_a_retry_counts_anew_whoever_has_given_up(world: World) -> None:
    parted_after_three(world)
    world.slack.faults.clear()
    world.start(batch=200)
    world.press(Ask.RETRY, "2")
    world.work()

    assert world.status("2") is StepStatus.DONE
    assert world.handovers()[-1].subjects == world.handovers()[0].subjects


def test_after_three_uncertain_sends_the_message_of_a_retry_still_says_what_it_replaces(ready: World) -> None:
    ready.slack.fail("post", Uncertain("timed out"), HANDOVER, times=3)
    ready.approved("2")
    ready.press(Ask.RETRY, "2")
    ready.work()

    assert "replace handover" in ready.slack.handovers[-1].words


def test_after_a_crash_while_sending_new_secrets_are_sent(ready: World) -> None:
    ready.press(Ask.APPROVE, "2")
    ready.drain("smtp_credentials.begin")

    ready.slack.while_posting = dies
    dies_in_a_batch(ready)
    ready.slack.while_posting = lambda marker: None
    ready.start()
    ready.later(ready.policy.lease)

    dead, alive = ready.mailgun.passwords[POSTMASTER]
    assert dead != alive
    assert ready.handed_over == [alive]
    assert "replace handover 1" in ready.slack.handovers[0].words


@pytest.mark.parametrize("error", [Refused("not allowed", code="restricted_action"), TooLong("too long", code="x")])
def test_a_refused_send_marks_nothing_as_sent_and_fails_with_its_reason(ready: World, error: Refused) -> None:
    ready.slack.fail("post", error, HANDOVER)
    ready.approved("2")

    assert ready.status("2") is StepStatus.NEEDS_ATTENTION
    assert [h.status for h in ready.handovers()] == [HandoverStatus.ABANDONED]
    assert str(error) in ready.card("2")
    assert not ready.tasks("2", TaskStatus.DONE, kind=SET)
    assert not ready.trail(Action.HANDED_OVER)


def test_a_refused_send_is_no_doubt(ready: World) -> None:
    ready.slack.fail("post", Refused("no", code="restricted_action"), HANDOVER)
    ready.approved("2")
    ready.press(Ask.RETRY, "2")
    ready.work()

    assert "replace" not in ready.slack.handovers[0].words
    assert ready.handed_over == [ready.mailgun.password_of(POSTMASTER)]


def test_when_slack_asks_to_wait_the_same_password_is_sent_afterwards(ready: World) -> None:
    ready.slack.fail("post", Later("slow down", seconds=40), HANDOVER, times=2)
    ready.approved("2")

    assert ready.mailgun.passwords[POSTMASTER] == ready.handed_over
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

    assert ready.handed_over == [ready.mailgun.password_of(POSTMASTER)]


def test_if_slack_asks_to_wait_before_it_says_who_the_recipient_is_the_same_password_is_sent(ready: World) -> None:
    def slack_is_busy_for_a_moment(call: str) -> None:
        if call == "set_password":
            ready.directory.passing = [Paced("one at a time", seconds=5)]

    ready.mailgun.while_calling = slack_is_busy_for_a_moment
    ready.approved("2")

    assert ready.mailgun.passwords[POSTMASTER] == ready.handed_over


def test_a_handover_has_a_message_of_its_own_with_the_button(ready: World) -> None:
    ready.approved("2")

    (controls,) = ready.messages_to("U-REQ", MarkerKind.HANDOVER_CONTROLS)
    assert "Saved, wipe it" in controls and "1 SMTP password" in controls


def test_no_notification_shows_a_secret(ready: World) -> None:
    ready.approved("1", "2")

    for posted in ready.slack.messages:
        notification = getattr(posted.said[0], "notification", "")
        assert not [secret for secret in ready.handed_over if secret in notification]


def test_secrets_go_nowhere_but_into_the_direct_message(ready: World) -> None:
    ready.approved("1", "2")

    for posted in ready.slack.messages:
        if any(secret in posted.words for secret in ready.handed_over):
            assert posted.place.channel_id == "D-U-REQ"
            assert posted.marker.kind is MarkerKind.HANDOVER


def test_what_may_have_been_sent_is_wiped_although_its_recipient_may_receive_nothing_any_more(
    ready: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    posts = ready.slack.post

    def dies_after_a_handover(place: Place, content: Content, marker: Marker) -> str:
        ts = posts(place, content, marker)
        if marker.kind is MarkerKind.HANDOVER:
            raise SystemExit
        return ts

    ready.press(Ask.APPROVE, "2")
    ready.drain("smtp_credentials.begin")
    with monkeypatch.context() as while_it_lives:
        while_it_lives.setattr(ready.slack, "post", dies_after_a_handover)
        dies_in_a_batch(ready)
    ready.start()
    ready.directory.change("U-REQ", is_active=False)
    ready.later(ready.policy.lease)

    (sent,) = ready.slack.handovers
    assert not any(secret in sent.words for secret in sent.secrets.values())
    assert [handover.status for handover in ready.handovers()] == [HandoverStatus.DOUBTFUL]
    assert ready.status("2") is StepStatus.NEEDS_ATTENTION
