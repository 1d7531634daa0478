"""Step 1: every key gets one replacement, and the bot is never locked out."""

import pytest

from recovery.account import ApiKey, KeyKind
from recovery.actions import Ask
from recovery.audit import Action
from recovery.errors import KeyLimitReached, Later, NotFound, Refused, Uncertain
from recovery.keyring import delete_orphans, mark_of, marked, new_mark, unmarked
from recovery.secret import Secret
from recovery.state import StepStatus
from tests.recovery.builders import DAY, a_key
from tests.recovery.fakes import START
from tests.recovery.world import World

REPLACE = "api_keys.replace"


@pytest.fixture
def ready(world: World) -> World:
    """The environment's key and another, step 1 to be approved."""
    world.mailgun.has_key(a_key("billing", role="analyst", description="billing"), "billing-secret")
    return world.opened()


def deletions(world: World) -> list[str]:
    return [about for _, about in world.mailgun.called("delete_key")]


def test_every_old_key_is_gone_and_each_has_one_replacement(ready: World) -> None:
    ready.approved("1")

    left = ready.mailgun.api_keys.values()
    assert {"env-key", "billing"}.isdisjoint(key.id for key in left)
    assert sorted(unmarked(key.description) for key in left) == [
        "Mailgun recovery bot",
        "billing",
        "the bot's first key",
    ]
    assert ready.status("1") is StepStatus.DONE


def test_the_keys_that_work_are_those_that_were_handed_over_and_the_bots_own(ready: World) -> None:
    ready.approved("1")

    own = ready.vault.current().reveal()
    assert sorted(ready.mailgun.key_secrets.values()) == sorted([*ready.handed_keys, own])


def test_a_replacement_has_the_role_domain_and_description_of_the_old_and_a_mark(world: World) -> None:
    world.mailgun.has_key(a_key("d", KeyKind.DOMAIN, description="shop"), "s")
    world.opened().approved("1")

    new = next(key for key in world.mailgun.api_keys.values() if key.kind is KeyKind.DOMAIN)
    assert (new.role, new.domain_name, unmarked(new.description)) == ("sending", "mg.acme.example", "shop")
    assert mark_of(new)


def test_the_bots_own_key_is_made_proven_and_kept_before_anything_is_deleted(ready: World) -> None:
    ready.approved("1")

    calls = [call for call, _ in ready.mailgun.called("create_key", "prove_key", "delete_key")]
    assert calls[:2] == ["create_key", "prove_key"]
    assert calls.index("delete_key") > 1
    first = ready.mailgun.called("create_key")[0][1]
    assert "Mailgun recovery bot" in first
    assert ready.vault.current().reveal() != "the-key-in-the-environment"


def test_if_the_own_key_does_not_work_nothing_is_deleted_and_the_old_one_stays(ready: World) -> None:
    ready.mailgun.fail("prove_key", Refused("the new key does not work", status=401), times=100)
    ready.approved("1")

    assert not deletions(ready)
    assert ready.vault.current().reveal() == "the-key-in-the-environment"
    assert ready.status("1") is StepStatus.NEEDS_ATTENTION


def test_an_own_key_of_an_unfinished_attempt_is_deleted(ready: World) -> None:
    ready.mailgun.fail("create_key", Uncertain("timed out"), "recovery bot", after=True)
    ready.approved("1")

    bots = [key for key in ready.mailgun.api_keys.values() if "recovery bot" in key.description]
    assert len(bots) == 1
    assert len(ready.trail(Action.ORPHAN_DELETED)) == 1


def test_a_replacement_of_an_unfinished_attempt_is_deleted(ready: World) -> None:
    ready.mailgun.fail("create_key", Uncertain("timed out"), "billing", after=True)
    ready.approved("1")

    assert len([key for key in ready.mailgun.api_keys.values() if "billing" in key.description]) == 1
    assert len(ready.trail(Action.ORPHAN_DELETED)) == 1
    assert ready.status("1") is StepStatus.DONE


@pytest.mark.parametrize("call", ["create_key", "prove_key"])
def test_a_short_wait_leaves_no_key_out_of_its_handover_and_none_over(ready: World, call: str) -> None:
    ready.press(Ask.APPROVE, "1")
    ready.drain("api_keys.begin")
    ready.mailgun.fail(call, Later("try again after 2 seconds", seconds=2))
    ready.work()

    (posted,) = ready.key_handovers
    assert len(posted.secrets) == 2
    assert not ready.trail(Action.ORPHAN_DELETED)


def test_a_replacement_that_may_not_have_arrived_is_deleted_and_another_sent(ready: World) -> None:
    ready.slack.fail("post", Uncertain("timed out"), "handover D-", after=True)
    ready.approved("1")

    own = ready.vault.current().reveal()
    last = list(ready.key_handovers[-1].secrets.values())
    assert sorted(ready.mailgun.key_secrets.values()) == sorted([*last, own])


def test_no_old_key_is_deleted_before_its_replacement_was_handed_over(ready: World) -> None:
    ready.slack.fail("post", Refused("no", code="restricted_action"), "handover D-")
    ready.approved("1")

    assert {"env-key", "billing"} <= set(ready.mailgun.api_keys)
    assert ready.status("1") is StepStatus.NEEDS_ATTENTION


def test_a_key_that_cannot_be_proven_is_not_handed_over(ready: World) -> None:
    ready.press(Ask.APPROVE, "1")
    ready.drain("api_keys.begin")
    ready.mailgun.fail("prove_key", Refused("does not work", status=401), times=2)
    ready.drain(REPLACE)

    assert not ready.slack.handovers
    assert {"env-key", "billing"} <= set(ready.mailgun.api_keys)


def test_replacements_that_were_never_handed_over_do_not_stay_after_a_retry(ready: World) -> None:
    ready.slack.fail("post", Refused("no", code="restricted_action"), "handover D-")
    ready.approved("1")
    ready.press(Ask.RETRY, "1")
    ready.work()

    assert ready.status("1") is StepStatus.DONE
    assert len(ready.mailgun.api_keys) == 3


def test_replacements_that_were_never_handed_over_are_deleted_rather_than_replaced_when_approved_after_a_skip(
    ready: World,
) -> None:
    ready.slack.fail("post", Refused("no", code="restricted_action"), "handover D-")
    ready.approved("1")
    ready.press(Ask.SKIP, "1", text="later")
    ready.approved("1")

    assert ready.status("1") is StepStatus.DONE
    assert sorted(unmarked(key.description) for key in ready.mailgun.api_keys.values()) == [
        "Mailgun recovery bot",
        "billing",
        "the bot's first key",
    ]


def test_a_404_on_a_key_that_is_gone_is_success(ready: World) -> None:
    ready.mailgun.fail("delete_key", Uncertain("timed out"), "billing", after=True)
    ready.approved("1")

    assert ready.status("1") is StepStatus.DONE


def test_a_404_on_a_key_that_is_still_listed_is_no_success(ready: World) -> None:
    ready.mailgun.fail("delete_key", NotFound("no such key", status=404), "billing", times=100)
    ready.approved("1")

    assert ready.status("1") is StepStatus.NEEDS_ATTENTION
    assert "still listed" in ready.card("1")


def test_after_a_failed_deletion_a_retry_only_deletes(ready: World) -> None:
    ready.mailgun.fail("delete_key", Refused("not now", status=400), "billing")
    ready.approved("1")
    made = len(ready.mailgun.called("create_key"))
    ready.press(Ask.RETRY, "1")
    ready.work()

    assert ready.status("1") is StepStatus.DONE
    assert "billing" not in ready.mailgun.api_keys
    assert len(ready.mailgun.called("create_key")) == made


def test_a_handed_over_key_survives_a_deletion_that_has_to_be_repeated(ready: World) -> None:
    ready.mailgun.fail("delete_key", Uncertain("timed out"), "billing")
    ready.approved("1")

    own = ready.vault.current().reveal()
    assert len(ready.key_handovers) == 1
    assert sorted(ready.mailgun.key_secrets.values()) == sorted([*ready.handed_keys, own])


def test_sessions_from_before_the_approval_are_ended_and_not_replaced(ready: World) -> None:
    ready.mailgun.has_key(a_key("old-session", KeyKind.WEB), "w")
    ready.approved("1")

    assert "old-session" not in ready.mailgun.api_keys
    assert not [key for key in ready.mailgun.api_keys.values() if key.kind is KeyKind.WEB]
    assert len(ready.trail(Action.SESSION_DELETED)) == 1


def test_sessions_from_after_the_approval_stay(ready: World) -> None:
    ready.mailgun.has_key(a_key("young-session", KeyKind.WEB, created_at=START + DAY), "w")
    ready.approved("1")

    assert "young-session" in ready.mailgun.api_keys


def test_at_the_key_limit_the_rest_goes_on_as_old_keys_die(ready: World) -> None:
    ready.mailgun.key_limit = 4
    ready.approved("1")

    assert ready.status("1") is StepStatus.DONE
    assert not ready.trail(Action.FAILED)
    assert len(ready.mailgun.api_keys) == 3


def test_at_the_key_limit_without_progress_a_person_is_asked(ready: World) -> None:
    ready.press(Ask.APPROVE, "1")
    ready.drain("api_keys.begin")
    ready.mailgun.key_limit = len(ready.mailgun.api_keys)
    ready.work()

    assert ready.status("1") is StepStatus.NEEDS_ATTENTION
    assert "no further API key" in ready.card("1")
    assert not deletions(ready)


def test_keys_that_wait_for_room_do_not_fail_while_the_others_are_being_handed_over(ready: World) -> None:
    ready.mailgun.key_limit = 4

    def another_worker(marker: object) -> None:
        """The bot has many threads: the waiting key is looked at again before the old one is gone."""
        ready.slack.while_posting = lambda marker: None
        ready.drain(REPLACE)

    ready.press(Ask.APPROVE, "1")
    ready.drain("api_keys.begin")
    ready.slack.while_posting = another_worker
    ready.work()

    assert ready.status("1") is StepStatus.DONE
    assert not ready.trail(Action.FAILED)


def test_a_key_of_the_bot_from_an_earlier_incident_is_deleted_without_replacement(ready: World) -> None:
    ready.approved("1")
    ready.press(Ask.CANCEL, text="done by hand")
    ready.opened().approved("1")

    bots = [key for key in ready.mailgun.api_keys.values() if "recovery bot" in key.description]
    assert len(bots) == 1
    assert len(ready.mailgun.api_keys) == 3


def test_the_key_works_after_a_restart_with_the_old_one_still_in_the_environment(ready: World) -> None:
    ready.approved("1")
    ready.vault.refresh()
    ready.start()

    ready.mailgun.prove_key(ready.vault.current())


def test_a_replacement_can_be_issued_anew(ready: World) -> None:
    ready.approved("1").later(ready.policy.handover_ttl)
    ready.type("reissue all", by="U-REQ")
    ready.work()

    own = ready.vault.current().reveal()
    assert sorted(ready.mailgun.key_secrets.values()) == sorted([*ready.key_handovers[-1].secrets.values(), own])
    assert ready.status("1") is StepStatus.DONE


def test_issuing_a_key_anew_offers_no_further_round_of_passwords(ready: World) -> None:
    ready.with_logins().approved("1", "2")
    ready.type("saved 2", by="U-REQ")
    ready.type("reissue all", by="U-REQ")
    ready.work()

    assert ready.status("2") is StepStatus.DONE
    assert ready.state("2").round == 1


def test_a_key_that_was_handed_over_and_then_left_is_only_deleted_when_approved_again(ready: World) -> None:
    ready.mailgun.fail("delete_key", Refused("not now", status=400), "billing")
    ready.approved("1")
    made = len(ready.mailgun.called("create_key"))
    ready.press(Ask.SKIP, "1", text="that key stays for tonight")
    ready.work()
    ready.approved("1")

    assert ready.status("1") is StepStatus.DONE
    assert "billing" not in ready.mailgun.api_keys
    assert len(ready.mailgun.called("create_key")) == made


def test_one_answer_that_there_is_no_room_is_no_proof(ready: World) -> None:
    """Another thread may have made room between Mailgun's answer and the look at what else is at work."""
    ready.mailgun.fail("create_key", KeyLimitReached("account limit reached", status=403), "billing")
    ready.approved("1")

    assert ready.status("1") is StepStatus.DONE
    assert not ready.trail(Action.FAILED)


def test_a_key_of_the_bots_own_that_did_not_get_into_the_vault_is_deleted_although_cancelled(ready: World) -> None:
    ready.mailgun.fail("prove_key", Uncertain("timed out"))
    ready.press(Ask.APPROVE, "1")
    ready.drain("api_keys.begin")
    assert any("recovery bot" in key.description for key in ready.mailgun.api_keys.values())
    ready.press(Ask.CANCEL, text="false alarm")
    ready.work()

    assert not any("recovery bot" in key.description for key in ready.mailgun.api_keys.values())


def test_a_key_that_the_bot_was_given_meanwhile_is_not_deleted_under_it(ready: World) -> None:
    ready.press(Ask.APPROVE, "1")
    ready.drain("api_keys.begin")
    with ready.database.write() as tx:
        ready.vault.keep(tx, Secret("billing-secret"), None, None)
    ready.vault.refresh()
    ready.work()

    assert ready.vault.current().reveal() in ready.mailgun.key_secrets.values()
    assert "billing" not in ready.mailgun.api_keys
    assert ready.status("1") is StepStatus.DONE
    assert sum(unmarked(key.description) == "billing" for key in ready.mailgun.api_keys.values()) == 1


@pytest.mark.parametrize("description", ["recovery bot", "billing"])
def test_an_unfinished_key_that_mailgun_lists_late_is_deleted_and_not_handed_over(
    ready: World, monkeypatch: pytest.MonkeyPatch, description: str
) -> None:
    there = ready.mailgun.keys

    def made() -> list[ApiKey]:
        return [key for key in there() if description in key.description and mark_of(key)]

    def late() -> list[ApiKey]:
        return [key for key in there() if key not in made()[:1]]

    if description == "billing":
        ready.press(Ask.APPROVE, "1")
        ready.drain("api_keys.begin")
    ready.mailgun.fail("prove_key", Uncertain("timed out"), times=1 if description == "recovery bot" else 2)
    with monkeypatch.context() as at_first:
        at_first.setattr(ready.mailgun, "keys", late)
        ready.approved("1") if description == "recovery bot" else ready.work()
    assert len(made()) == 2
    ready.vacated("5")
    ready.approved("1")

    assert len(made()) == 1
    assert sum(description in name for sent in ready.slack.handovers for name in sent.secrets) <= 1


def test_an_unfinished_key_that_mailgun_lists_still_after_it_was_deleted_is_told_of_once(ready: World) -> None:
    mark = new_mark()
    unfinished = a_key("unfinished", description=marked("billing", mark))
    ready.press(Ask.APPROVE, "1")
    job = ready.claim("api_keys.begin")
    assert job
    for _ in range(2):
        ready.mailgun.has_key(unfinished, "unfinished-secret")
        delete_orphans(job, [mark], ready.incident.id)

    assert "unfinished" not in ready.mailgun.api_keys
    assert len(ready.trail(Action.ORPHAN_DELETED)) == 1
