"""The webhook signing key and the public validation key: made anew once old keys are gone, and handed over once."""

import pytest

from recovery.actions import Ask
from recovery.audit import Action
from recovery.errors import Later, Refused, Uncertain
from recovery.secret import Secret
from recovery.signing import RENEW, RENEW_AGAIN
from recovery.state import HandoverStatus, NewTask, StepStatus, TaskStatus
from tests.recovery.world import REQUESTER, World

SIGNING, PUBLIC = "The whole account: Webhook signing key", "The whole account: Public validation key"


@pytest.fixture
def ready(world: World) -> World:
    return world.opened()


def handed(world: World) -> dict[str, str]:
    """What the last message with either says."""
    found: dict[str, str] = {}
    for posted in world.slack.handovers:
        found |= {name: secret for name, secret in posted.secrets.items() if name in (SIGNING, PUBLIC)}
    return found


def works(world: World) -> dict[str, str]:
    outlets = world.mailgun.outlets
    return {SIGNING: outlets.signing_keys[-1], PUBLIC: outlets.public_keys[-1]}


def test_both_are_new_and_handed_over_in_one_message(ready: World) -> None:
    first = works(ready)
    ready.approved("1")

    assert ready.status("1") is StepStatus.DONE
    assert handed(ready) == works(ready)
    assert not set(first.values()) & set(works(ready).values())
    assert len(ready.slack.handovers) == 2


def test_they_are_made_after_the_last_old_key_died(ready: World) -> None:
    ready.approved("1")

    calls = [call for call, _ in ready.mailgun.called("delete_key", "new_signing_key", "new_public_key")]
    assert calls == ["delete_key", "new_signing_key", "new_public_key"]


def test_while_an_old_key_lives_they_are_not_made(ready: World) -> None:
    ready.mailgun.fail("delete_key", Refused("not now", status=400), "env-key", times=50)
    ready.approved("1")

    assert ready.status("1") is StepStatus.NEEDS_ATTENTION
    assert not ready.mailgun.called("new_signing_key", "new_public_key")


def test_the_trail_has_an_entry_for_each_and_no_secret(ready: World) -> None:
    ready.approved("1")

    renewed = [entry.facts.subject for entry in ready.trail(Action.RENEWED)]
    assert renewed == ["webhook signing key", "public validation key"]
    said = str([entry.facts for entry in ready.trail()])
    assert not any(secret in said for secret in works(ready).values())


@pytest.mark.parametrize("after", [True, False], ids=["it happened", "it did not happen"])
def test_after_an_answer_in_doubt_the_one_that_works_is_handed_over(ready: World, after: bool) -> None:
    ready.mailgun.fail("new_signing_key", Uncertain("timed out"), after=after)
    ready.mailgun.fail("new_public_key", Uncertain("timed out"), after=after)
    ready.approved("1")

    assert ready.status("1") is StepStatus.DONE
    assert handed(ready) == works(ready)
    assert len(ready.mailgun.outlets.signing_keys) == 2
    assert len(ready.mailgun.outlets.public_keys) == (3 if after else 2)


def test_an_old_signing_key_is_never_handed_over_as_new(ready: World) -> None:
    first = works(ready)[SIGNING]
    ready.mailgun.fail("new_signing_key", Uncertain("timed out"), times=100)
    ready.approved("1")

    assert ready.status("1") is StepStatus.NEEDS_ATTENTION
    assert first not in ready.handed_over
    assert PUBLIC in handed(ready)


def test_after_a_crash_another_one_is_made(ready: World) -> None:
    ready.press(Ask.APPROVE, "1")
    ready.drain("api_keys.begin")
    ready.drain("api_keys.replace")
    job = ready.claim(RENEW)
    assert job
    lost = ready.mailgun.new_signing_key().reveal()
    ready.clock.pass_by(ready.policy.lease * 2)
    ready.work()

    assert handed(ready) == works(ready)
    assert lost not in ready.handed_over


def test_a_message_that_may_not_have_arrived_is_void_and_others_are_made(ready: World) -> None:
    ready.press(Ask.APPROVE, "1")
    ready.drain("api_keys.begin")
    ready.drain("api_keys.replace")
    ready.slack.fail("post", Uncertain("timed out"), "handover D-", after=True)
    ready.work()

    assert ready.status("1") is StepStatus.DONE
    assert handed(ready) == works(ready)
    assert [h.status for h in ready.handovers()].count(HandoverStatus.DOUBTFUL) == 1
    assert len(ready.mailgun.outlets.signing_keys) == 3


def test_what_is_refused_is_shown_and_only_that_is_tried_again(ready: World) -> None:
    ready.mailgun.fail("new_public_key", Refused("not in this plan", status=403))
    ready.approved("1")
    assert ready.status("1") is StepStatus.NEEDS_ATTENTION
    assert "not in this plan" in ready.card("1")

    ready.press(Ask.RETRY, "1")
    ready.work()
    assert ready.status("1") is StepStatus.DONE
    assert len(ready.mailgun.called("new_signing_key")) == 1
    assert handed(ready) == works(ready)


def test_mailguns_request_to_wait_is_no_failure(ready: World) -> None:
    ready.mailgun.fail("new_signing_key", Later("slow down", seconds=3), times=2)
    ready.approved("1")

    assert ready.status("1") is StepStatus.DONE
    assert handed(ready) == works(ready)


def test_skipping_says_that_one_is_in_nobodys_hands_and_issuing_anew_sets_it_right(ready: World) -> None:
    ready.press(Ask.APPROVE, "1")
    ready.drain("api_keys.begin")
    ready.drain("api_keys.replace")
    ready.slack.fail("post", Refused("no", code="restricted_action"), "handover D-", times=50)
    ready.work()
    answer = ready.press(Ask.SKIP, "1", text="later")
    assert "reissue all" in answer

    ready.slack.faults = type(ready.slack.faults)()
    ready.type("reissue all", by=REQUESTER)
    ready.work()
    assert handed(ready) == works(ready)


def test_a_cancelled_incident_still_hands_over_what_it_made(ready: World) -> None:
    ready.press(Ask.APPROVE, "1")
    ready.drain("api_keys.begin")
    ready.drain("api_keys.replace")
    ready.slack.fail("post", Refused("no", code="restricted_action"), "handover D-")
    ready.work()
    assert ready.status("1") is StepStatus.NEEDS_ATTENTION
    ready.press(Ask.CANCEL, text="false alarm")
    ready.work()

    assert handed(ready) == works(ready)


@pytest.mark.parametrize("target", ["signing-key", "all"])
def test_they_can_be_issued_anew(ready: World, target: str) -> None:
    ready.approved("1")
    before = works(ready)
    ready.type(f"reissue {target}", by=REQUESTER)
    ready.work()

    assert ready.status("1") is StepStatus.DONE
    assert works(ready)[SIGNING] != before[SIGNING]
    assert (works(ready)[PUBLIC] == before[PUBLIC]) is (target == "signing-key")
    assert handed(ready) == works(ready)


def test_issuing_them_anew_lists_no_keys_and_replaces_none(ready: World) -> None:
    ready.approved("1")
    before = len(ready.mailgun.called("keys", "create_key", "delete_key"))
    ready.type("reissue signing-key", by=REQUESTER)
    ready.work()

    assert len(ready.mailgun.called("keys", "create_key", "delete_key")) == before


def test_they_do_not_move_the_end_of_the_last_old_key(ready: World) -> None:
    ready.mailgun.fail("new_signing_key", Later("slow down", seconds=30))
    ready.approved("1")

    (task,) = [task for task in ready.tasks("1", TaskStatus.DONE, kind=RENEW) if task.subject == "signing-key"]
    assert task.finished_at and ready.incident.keys_expired_at
    assert ready.incident.keys_expired_at < task.finished_at


def test_one_that_was_made_over_another_process_is_made_and_handed_over_anew(ready: World) -> None:
    ready.approved("1")
    step_id = ready.state("1").id
    ready.mailgun.new_signing_key()
    with ready.database.write() as tx:
        again = NewTask(RENEW_AGAIN, "again", ready.incident.id, step_id, "signing-key")
        tx.tasks.add([again])
    ready.work()

    assert handed(ready) == works(ready)
    assert len(ready.trail(Action.SET_AGAIN)) == 1


def test_a_process_that_was_held_up_in_the_call_has_it_done_anew(ready: World) -> None:
    seen = 0

    def hook(called: str) -> None:
        nonlocal seen
        seen += called == "new_signing_key"
        if called == "new_signing_key" and seen == 1:
            ready.mailgun.while_calling = lambda called: None
            ready.clock.pass_by(ready.policy.lease)
            ready.work(drawing=True)

    ready.mailgun.while_calling = hook
    ready.approved("1")

    assert ready.status("1") is StepStatus.DONE
    assert handed(ready) == works(ready)


def test_the_vault_is_none_of_their_business(ready: World) -> None:
    ready.approved("1")

    assert ready.vault.current() != Secret(works(ready)[SIGNING])
    assert ready.vault.current().reveal() not in ready.handed_over
