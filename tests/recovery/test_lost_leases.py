"""A process that was stopped past its lease and goes on: what it still does is undone or done anew.

The other process is played inside the call that the first one was stopped in: it takes everything over and ends it.
"""

from collections.abc import Callable

import pytest

from recovery.actions import Ask
from recovery.audit import Action
from recovery.content import Marker, MarkerKind
from recovery.errors import Uncertain
from recovery.setting_passwords import AGAIN
from recovery.state import HandoverStatus, NewTask, StepStatus
from tests.recovery.builders import a_key
from tests.recovery.world import POSTMASTER, World


def stopped_while_calling(world: World, call: str, *, nth: int = 1) -> None:
    """The process stops in that call of Mailgun's API; another takes its work over meanwhile, and ends it."""
    seen = 0

    def hook(called: str) -> None:
        nonlocal seen
        seen += called == call
        if called == call and seen == nth:
            world.mailgun.while_calling = lambda called: None
            another_takes_over(world)

    world.mailgun.while_calling = hook


def stopped_while_posting(world: World, kind: MarkerKind) -> None:
    """The same in a post to Slack."""

    def hook(marker: Marker) -> None:
        if marker.kind is kind:
            world.slack.while_posting = lambda marker: None
            another_takes_over(world)

    world.slack.while_posting = hook


def another_takes_over(world: World) -> None:
    world.clock.pass_by(world.policy.lease)
    world.work(drawing=True)


@pytest.fixture
def ready(world: World) -> World:
    world.mailgun.has_key(a_key("billing", description="billing"), "billing-secret")
    return world.with_logins().opened()


def void(world: World) -> list[HandoverStatus]:
    return [handover.status for handover in world.handovers() if handover.status is HandoverStatus.DOUBTFUL]


def last_handed_over(world: World, label: str) -> str:
    """The secret in the last message that names the login."""
    named = [secret for sent in world.slack.handovers for name, secret in sent.secrets.items() if name.endswith(label)]
    return named[-1]


def test_a_password_set_over_anothers_is_set_and_handed_over_anew(ready: World) -> None:
    stopped_while_calling(ready, "set_password")
    ready.approved("2")

    assert ready.mailgun.password_of(POSTMASTER) == last_handed_over(ready, "postmaster@mg.acme.example")
    assert ready.status("2") is StepStatus.DONE
    assert len(ready.trail(Action.SET_AGAIN)) == 1


def test_a_handover_sent_after_another_was_is_void_and_wiped(ready: World) -> None:
    stopped_while_posting(ready, MarkerKind.HANDOVER)
    ready.approved("2")

    first, late = ready.slack.handovers
    assert list(first.secrets.values()) == [ready.mailgun.password_of(POSTMASTER)]
    assert not any(secret in late.words for secret in late.secrets.values()), "it was wiped"
    assert void(ready) == [HandoverStatus.DOUBTFUL]
    assert len(ready.trail(Action.HANDOVER_WIPED)) == 1


def test_a_handover_that_arrived_without_an_answer_after_another_was_sent_is_wiped(ready: World) -> None:
    def stopped(marker: Marker) -> None:
        if marker.kind is MarkerKind.HANDOVER:
            ready.slack.while_posting = lambda marker: None
            another_takes_over(ready)
            ready.slack.fail("post", Uncertain("timed out"), str(MarkerKind.HANDOVER), after=True)

    ready.slack.while_posting = stopped
    ready.approved("2")

    first, late = ready.slack.handovers
    assert list(first.secrets.values()) == [ready.mailgun.password_of(POSTMASTER)]
    assert not any(secret in late.words for secret in late.secrets.values()), "it was wiped"
    assert void(ready) == [HandoverStatus.DOUBTFUL]


def test_a_handover_that_was_given_up_before_its_send_is_not_sent(ready: World) -> None:
    def given_up(call: str) -> None:
        if call == "set_password":
            ready.mailgun.while_calling = lambda call: None
            with ready.database.write() as tx:
                tx.handovers.move(ready.handovers()[0], [HandoverStatus.PLANNED], HandoverStatus.ABANDONED)

    ready.mailgun.while_calling = given_up
    ready.approved("2")

    assert ready.handed_over == [ready.mailgun.password_of(POSTMASTER)]
    assert [handover.status for handover in ready.handovers()] == [HandoverStatus.ABANDONED, HandoverStatus.SENT]


def test_a_handover_that_was_given_up_while_it_was_sent_does_not_count(ready: World) -> None:
    def given_up(marker: Marker) -> None:
        if marker.kind is MarkerKind.HANDOVER:
            ready.slack.while_posting = lambda marker: None
            with ready.database.write() as tx:
                tx.handovers.move(ready.handovers()[0], [HandoverStatus.SENDING], HandoverStatus.DOUBTFUL)

    ready.slack.while_posting = given_up
    ready.approved("2")

    void_one, counts = ready.slack.handovers
    assert not any(secret in void_one.words for secret in void_one.secrets.values()), "it was wiped"
    assert list(counts.secrets.values()) == [ready.mailgun.password_of(POSTMASTER)]
    assert [handover.status for handover in ready.handovers()] == [HandoverStatus.DOUBTFUL, HandoverStatus.SENT]


def test_a_password_set_over_anothers_is_set_right_although_the_incident_is_cancelled(ready: World) -> None:
    ready.approved("2")
    with ready.database.write() as tx:
        step = ready.state("2")
        tx.tasks.add([NewTask(AGAIN, "again", ready.incident.id, step.id, POSTMASTER)])
    ready.drain(AGAIN)
    ready.type("cancel false alarm")
    ready.work()

    assert len(ready.mailgun.passwords[POSTMASTER]) == 2
    assert last_handed_over(ready, "postmaster@mg.acme.example") == ready.mailgun.password_of(POSTMASTER)


def test_a_card_drawn_after_another_had_drawn_a_newer_one_is_drawn_again(ready: World) -> None:
    ready.draw()
    ready.press(Ask.SKIP, "4", text="everybody has it")

    def stopped(marker: Marker) -> None:
        if marker.kind is MarkerKind.BOARD:
            ready.slack.while_redrawing = lambda marker: None
            older = ready.slack.of_kind(MarkerKind.BOARD)[0].said[-1]
            ready.press(Ask.SKIP, "3", text="everybody did")
            another_takes_over(ready)
            ready.slack.of_kind(MarkerKind.BOARD)[0].said.append(older)

    ready.slack.while_redrawing = stopped
    ready.work(drawing=True)

    assert "Everyone resets their password: skipped" in ready.slack.of_kind(MarkerKind.BOARD)[0].words


def test_a_replacement_made_after_another_is_deleted(ready: World) -> None:
    stopped_while_calling(ready, "create_key", nth=2)
    ready.approved("1")

    own = ready.vault.current().reveal()
    assert set(ready.mailgun.key_secrets.values()) == {*ready.handed_keys, own}
    assert len(ready.handed_keys) == 2


def test_a_key_of_the_bots_own_made_after_another_is_deleted(ready: World) -> None:
    stopped_while_calling(ready, "create_key")
    ready.approved("1")

    assert sum("recovery bot" in key.description for key in ready.mailgun.api_keys.values()) == 1
    assert ready.vault.current().reveal() in ready.mailgun.key_secrets.values()


@pytest.mark.parametrize("kind", [MarkerKind.BOARD, MarkerKind.STEP, MarkerKind.AUDIT])
def test_a_second_copy_of_a_message_is_deleted(make_world: Callable[..., World], kind: MarkerKind) -> None:
    world = make_world().with_logins()
    world.type("", by="U-REQ")
    stopped_while_posting(world, kind)
    world.work(drawing=True)

    keys = [message.marker.key for message in world.slack.of_kind(kind)]
    assert len(keys) == len(set(keys)) > 0


def test_the_copy_that_is_kept_is_the_one_that_is_redrawn(make_world: Callable[..., World]) -> None:
    world = make_world().with_logins()
    world.type("", by="U-REQ")
    stopped_while_posting(world, MarkerKind.BOARD)
    world.work(drawing=True)

    assert [message.ts for message in world.slack.of_kind(MarkerKind.BOARD)] == [world.incident.thread_ts]


def test_nothing_follows_where_no_lease_was_lost(ready: World) -> None:
    ready.approved("1", "2")

    assert not ready.trail(Action.SET_AGAIN)
    assert not void(ready)
