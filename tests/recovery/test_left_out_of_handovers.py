"""What is left out of a handover is tried again, maybe while the rest of it is still on its way: both arrive."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from recovery.actions import Ask
from recovery.audit import Action
from recovery.content import Marker, MarkerKind
from recovery.errors import Later, NotFound, Refused, Uncertain
from recovery.handovers import GIVEN_UP, TAKEN_OVER
from recovery.state import HandoverStatus, StepStatus
from tests.recovery.builders import a_key
from tests.recovery.keys import with_room_for_one_at_a_time
from tests.recovery.world import POSTMASTER, World

HANDOVER = "handover D-"


def a_login_is_left_out(world: World) -> None:
    """Step 2 with two logins is approved, and Mailgun fails to set one of them."""
    world.with_logins("app").opened().press(Ask.APPROVE, "2")
    world.mailgun.fail("set_password", Uncertain("timed out"), POSTMASTER, times=3)


def a_key_is_left_out(world: World) -> None:
    """Step 1 with two keys is approved, and Mailgun fails to make a replacement of one of them."""
    world.mailgun.has_key(a_key("billing", description="billing"), "billing-secret")
    world.opened().press(Ask.APPROVE, "1")
    world.mailgun.fail("create_key", Uncertain("timed out"), "billing")


def an_account_wide_key_is_left_out(world: World) -> None:
    """Step 1 is as far as the keys of the whole account, and Mailgun fails to make one of them anew."""
    world.opened().press(Ask.APPROVE, "1")
    world.drain("api_keys.begin", "api_keys.replace")
    assert not world.mailgun.called("new_signing_key", "new_public_key")
    world.mailgun.fail("new_public_key", Uncertain("timed out"), times=3)


LEFT_OUT = pytest.mark.parametrize(
    "arrange", [a_login_is_left_out, a_key_is_left_out, an_account_wide_key_is_left_out, with_room_for_one_at_a_time]
)


def others_work(world: World) -> Callable[[], None]:
    """The process's other threads do all that is due, the first time that this is called."""
    called = False

    def work() -> None:
        nonlocal called
        if not called:
            called = True
            world.work(timedelta(0))

    return work


def expect_all_arrived(world: World) -> None:
    """Each handover that Slack has counts and is readable, and none was given up on its way.

    One that found no room for its key was never on its way.
    """
    planned = [h.status for h in world.handovers() if h.status is not HandoverStatus.ABANDONED]
    assert planned == [HandoverStatus.SENT] * len(world.slack.handovers)
    assert not world.trail(Action.HANDOVER_DOUBTFUL)
    assert not {GIVEN_UP, TAKEN_OVER} & {task.failure for step in "12" for task in world.tasks(step)}
    assert all(secret in posted.words for posted in world.slack.handovers for secret in posted.secrets.values())


def works(world: World) -> set[str]:
    """Every secret that Mailgun takes, but for the bot's own and those that a step did not touch."""
    passwords = {set_to[-1] for set_to in world.mailgun.passwords.values()}
    keys = {*world.mailgun.key_secrets.values()} - {world.vault.current().reveal()}
    renewed = {world.mailgun.outlets.signing_keys[-1], world.mailgun.outlets.public_keys[-1]}
    return passwords | (keys | renewed if world.status("1") is StepStatus.DONE else set())


@LEFT_OUT
@pytest.mark.parametrize("seconds", [2, 30])
def test_it_is_handed_over_while_slack_lets_the_rest_wait(
    world: World, arrange: Callable[[World], None], seconds: int
) -> None:
    arrange(world)
    world.slack.fail("post", Later("slow down", seconds=seconds), HANDOVER)
    world.stopping.while_waiting = others_work(world)
    world.work()

    expect_all_arrived(world)
    assert {*world.handed_over} == works(world)
    assert len(world.handed_over) == len({*world.handed_over}), "nothing was made twice"


@LEFT_OUT
def test_it_is_handed_over_while_the_recipient_of_the_rest_is_checked(
    world: World, arrange: Callable[[World], None]
) -> None:
    arrange(world)

    def slack_is_busy(call: str) -> None:
        if call in ("set_password", "create_key", "new_public_key"):
            world.directory.passing = [Later("slow down", seconds=5)]

    world.mailgun.while_calling = slack_is_busy
    world.stopping.while_waiting = others_work(world)
    world.work()

    expect_all_arrived(world)
    assert {*world.handed_over} == works(world)


@LEFT_OUT
def test_it_is_handed_over_while_the_rest_is_sent(world: World, arrange: Callable[[World], None]) -> None:
    arrange(world)
    work = others_work(world)

    def meanwhile(marker: Marker) -> None:
        if marker.kind is MarkerKind.HANDOVER:
            world.clock.pass_by(timedelta(seconds=5))
            work()

    world.slack.while_posting = meanwhile
    world.work()

    expect_all_arrived(world)
    assert {*world.handed_over} == works(world)


def test_where_nothing_is_left_of_a_handover_it_is_abandoned(world: World) -> None:
    world.with_logins().opened()
    world.mailgun.fail("set_password", Refused("no", status=400), POSTMASTER)
    world.approved("2")

    assert [handover.status for handover in world.handovers()] == [HandoverStatus.ABANDONED]


def issued_anew_but_for_one(world: World, error: Refused) -> None:
    """A handover of two logins is issued anew, and Mailgun answers that for one of them."""
    world.with_logins("app").opened().approved("2")
    world.mailgun.fail("set_password", error, POSTMASTER)
    world.press(Ask.REISSUE, by="U-REQ", handover=str(world.handovers()[0].id))
    world.work()


def test_an_earlier_handover_stays_as_long_as_one_of_its_secrets_works(world: World) -> None:
    issued_anew_but_for_one(world, Refused("no", status=400))

    first, second = world.handovers()
    assert (first.status, second.status) == (HandoverStatus.SENT, HandoverStatus.SENT)
    assert world.mailgun.password_of(POSTMASTER) in world.slack.handovers[0].words


def test_an_earlier_handover_stays_as_long_as_one_of_its_keys_works_although_a_send_was_doubtful(world: World) -> None:
    world.mailgun.has_key(a_key("billing", description="billing"), "billing-secret")
    world.opened().approved("1")
    world.slack.fail("post", Uncertain("timed out"), HANDOVER)
    world.press(Ask.REISSUE, by="U-REQ", handover=str(world.handovers()[0].id))
    while not world.trail(Action.HANDOVER_DOUBTFUL):
        world.drain("api_keys.begin", "api_keys.replace", "judge")
    world.mailgun.fail("create_key", Refused("no", status=400), "billing")
    world.work()

    assert world.handovers()[0].status is HandoverStatus.SENT
    still_work = {*world.mailgun.key_secrets.values()} & {*world.slack.handovers[0].secrets.values()}
    assert len(still_work) == 1


def test_an_earlier_handover_is_over_once_what_was_not_made_anew_is_gone(world: World) -> None:
    issued_anew_but_for_one(world, NotFound("no such login", status=404))

    first, second = world.handovers()
    assert (first.status, second.status) == (HandoverStatus.REISSUED, HandoverStatus.SENT)


def test_what_was_doubtful_counts_although_mailgun_failed_in_between(world: World) -> None:
    world.with_logins("app").opened().press(Ask.APPROVE, "2")
    world.slack.fail("post", Uncertain("timed out"), HANDOVER, times=2)
    while len(world.handovers()) < 2:
        world.work(timedelta(seconds=1))
    world.mailgun.fail("set_password", Uncertain("timed out"), POSTMASTER, times=3)
    world.slack.fail("post", Uncertain("timed out"), HANDOVER)
    world.work()

    assert [(h.attempt, len(h.subjects), h.status) for h in world.handovers()] == [
        (1, 2, HandoverStatus.DOUBTFUL),
        (2, 2, HandoverStatus.DOUBTFUL),
        (3, 1, HandoverStatus.DOUBTFUL),
        (3, 1, HandoverStatus.SENT),
    ]
    assert world.status("2") is StepStatus.NEEDS_ATTENTION
