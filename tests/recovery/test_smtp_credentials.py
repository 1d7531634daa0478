"""Step 2: every login of every domain gets a new password, which its recipient is handed."""

import itertools
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from threading import Barrier

from recovery.account import Login
from recovery.actions import Ask
from recovery.audit import Action
from recovery.errors import Later, Refused, Uncertain
from recovery.state import StepStatus, TaskStatus
from tests.recovery.builders import a_domain
from tests.recovery.world import POSTMASTER, World

SET = "smtp_credentials.set"


def test_every_password_that_works_was_handed_over(world: World) -> None:
    world.with_logins("a", "b").with_logins("c", domain="eu.acme.example", region="eu").opened().approved("2")

    assert world.status("2") is StepStatus.DONE
    assert len(world.mailgun.passwords) == 5
    assert sorted(world.handed_over) == sorted(p[-1] for p in world.mailgun.passwords.values())


def test_a_password_has_32_letters_and_digits(world: World) -> None:
    world.with_logins().opened().approved("2")

    password = world.mailgun.password_of(POSTMASTER)
    assert password and len(password) == 32 and password.isalnum() and password.isascii()


def test_passwords_are_grouped_by_domain_and_region(world: World) -> None:
    world.with_logins("a").with_logins("a", region="eu").opened().approved("2")

    assert set(world.slack.handovers[0].secrets) == {
        f"mg.acme.example ({region}): {login}@mg.acme.example"
        for region in ("US", "EU")
        for login in ("a", "postmaster")
    }


def test_the_postmaster_is_reset_even_when_it_is_not_listed(world: World) -> None:
    world.mailgun.has_domain(a_domain(smtp_login="hidden@mg.acme.example"), "a@mg.acme.example")
    world.mailgun.all_logins.append(Login("us", "other.example", "x"))
    world.opened().approved("2")

    assert ("set_password", "us/mg.acme.example/hidden@mg.acme.example") in world.mailgun.calls


def test_logins_are_listed_again_at_approval(world: World) -> None:
    world.with_logins().opened()
    world.with_logins("late", domain="new.acme.example").approved("2")

    assert world.mailgun.password_of("us/new.acme.example/late@new.acme.example")


def test_a_login_that_is_gone_by_now_is_dropped(world: World) -> None:
    world.with_logins("a", "gone").opened().press(Ask.APPROVE, "2")
    world.drain("smtp_credentials.begin")
    world.mailgun.all_logins.remove(Login("us", "mg.acme.example", "gone@mg.acme.example"))
    world.work()

    assert world.status("2") is StepStatus.DONE
    assert [t.subject for t in world.tasks("2", TaskStatus.DROPPED)] == ["us/mg.acme.example/gone@mg.acme.example"]
    assert "2 of 2 passwords" in world.board
    assert "gone@" not in "".join(world.slack.handovers[0].secrets)


def test_an_uncertain_answer_is_repeated_with_the_same_password(world: World) -> None:
    world.with_logins().opened()
    world.mailgun.fail("set_password", Uncertain("timed out"), after=True)
    world.approved("2")

    first, second = world.mailgun.passwords[POSTMASTER]
    assert first == second
    assert world.handed_over == [second]


def test_a_password_that_may_not_be_set_is_not_handed_over(world: World) -> None:
    world.with_logins().opened()
    world.mailgun.fail("set_password", Uncertain("timed out"), times=3)
    world.approved("2")

    assert world.status("2") is StepStatus.DONE
    assert world.handed_over == [world.mailgun.password_of(POSTMASTER)]


def test_a_login_that_stays_uncertain_fails_with_the_reason(world: World) -> None:
    world.with_logins("a").opened()
    world.mailgun.fail("set_password", Uncertain("Mailgun timed out"), "postmaster@", times=100)
    world.approved("2")

    (failure,) = world.failures("2")
    assert world.status("2") is StepStatus.NEEDS_ATTENTION
    assert failure.subject == POSTMASTER and "timed out" in (failure.failure or "")
    assert world.handed_over == [world.mailgun.password_of("us/mg.acme.example/a@mg.acme.example")]


def test_when_mailgun_asks_to_wait_the_login_waits_and_is_no_failure(world: World) -> None:
    world.with_logins().opened()
    world.mailgun.fail("set_password", Later("try again after 20 seconds", seconds=20), times=8)
    world.approved("2")
    world.work()

    assert not world.trail(Action.FAILED)
    assert world.mailgun.password_of(POSTMASTER)


def test_a_short_wait_leaves_no_login_out_of_its_handover(world: World) -> None:
    world.with_logins("a", "b").opened()
    world.mailgun.fail("set_password", Later("try again after 2 seconds", seconds=2), "postmaster@", times=5)
    world.approved("2")

    (posted,) = world.slack.handovers
    assert len(posted.secrets) == 3
    assert world.handed_over.count(world.mailgun.password_of(POSTMASTER) or "") == 1


def test_a_mailgun_that_takes_nothing_is_waited_for_by_tasks(world: World) -> None:
    world.with_logins("a").opened()
    world.mailgun.fail("set_password", Later("try again after 1 second", seconds=1), times=10_000)
    world.press(Ask.APPROVE, "2")
    world.work(timedelta(seconds=30))

    assert world.tasks("2", TaskStatus.READY, kind=SET)
    assert "try again after 1 second" in world.board

    world.mailgun.faults.clear()
    world.work()
    assert world.status("2") is StepStatus.DONE


def test_after_a_stop_while_it_waits_a_restart_sets_and_hands_over_other_passwords(world: World) -> None:
    world.with_logins("a").opened()
    world.press(Ask.APPROVE, "2")
    world.drain("smtp_credentials.begin")
    calls = itertools.count(1)

    def meanwhile(call: str) -> None:
        """One login gets its password. When the other has to wait, the process is told to leave."""
        if call == "set_password" and next(calls) > 1:
            world.stopping.set()
            raise Later("try again after 2 seconds", seconds=2)

    job = world.claim(SET)
    assert job is not None
    world.mailgun.while_calling = meanwhile
    world.run(job)
    ((login, (lost,)),) = world.mailgun.passwords.items()
    assert not world.slack.handovers

    world.mailgun.while_calling = lambda call: None
    world.stopping.clear()
    world.start()
    world.work()
    assert sorted(world.handed_over) == sorted(p[-1] for p in world.mailgun.passwords.values())
    assert world.mailgun.password_of(login) != lost


def test_a_password_that_was_perhaps_set_before_a_refusal_is_made_good_when_cancelled(world: World) -> None:
    world.with_logins().opened()
    world.mailgun.fail("set_password", Uncertain("timed out"), after=True)
    world.mailgun.fail("set_password", Refused("not allowed", status=400))
    world.approved("2")
    assert world.status("2") is StepStatus.NEEDS_ATTENTION

    world.press(Ask.CANCEL, text="false alarm")
    world.work()
    assert world.mailgun.password_of(POSTMASTER) in world.handed_over


def test_a_refused_login_does_not_hold_up_the_others(world: World) -> None:
    world.with_logins("a").opened()
    world.mailgun.fail("set_password", Refused("not allowed", status=400), "postmaster@")
    world.approved("2")

    assert world.handed_over == [world.mailgun.password_of("us/mg.acme.example/a@mg.acme.example")]
    assert world.handovers()[0].subjects == ("us/mg.acme.example/a@mg.acme.example",)


def test_if_the_direct_message_cannot_be_opened_nothing_at_mailgun_is_changed(world: World) -> None:
    world.with_logins().opened()
    world.slack.fail("open_direct", Refused("messages_tab_disabled", code="messages_tab_disabled"))
    world.approved("2")

    assert not world.mailgun.changes
    assert world.status("2") is StepStatus.NEEDS_ATTENTION
    assert "messages_tab_disabled" in world.card("2")


def test_if_the_first_line_cannot_be_posted_nothing_at_mailgun_is_changed(world: World) -> None:
    world.with_logins().opened()
    world.slack.fail("post", Refused("is_archived", code="is_archived"), "greeting")
    world.approved("2")

    assert not world.mailgun.changes
    assert world.status("2") is StepStatus.NEEDS_ATTENTION


def test_a_recipient_who_cannot_receive_at_the_start_leaves_mailgun_unchanged(world: World) -> None:
    world.with_logins().opened()
    world.directory.change("U-REQ", is_active=False)
    world.approved("2")

    assert not world.mailgun.changes
    assert world.status("2") is StepStatus.NEEDS_ATTENTION


def test_a_handover_holds_as_many_as_fit_and_the_rest_goes_in_others(world: World) -> None:
    world.with_logins(*(f"login-{n:03}" for n in range(240))).opened().approved("2")

    assert len(world.slack.handovers) > 1
    assert all(len(posted.words) <= 9_000 for posted in world.slack.handovers)
    assert len(world.handed_over) == len(set(world.handed_over)) == 241


def test_batch_bounds_the_logins_of_one_handover(make_world: Callable[..., World]) -> None:
    world = make_world(batch=2).with_logins("a", "b", "c").opened().approved("2")

    assert [len(posted.secrets) for posted in world.slack.handovers] == [2, 2]


def test_no_password_is_in_the_database_or_the_trail(world: World, database_file: Path) -> None:
    world.with_logins("a").opened().approved("1", "2")

    kept = b"".join(file.read_bytes() for file in database_file.parent.glob(f"{database_file.name}*"))
    secrets = world.handed_over + list(world.mailgun.key_secrets.values())
    assert len(secrets) > 3
    assert not [secret for secret in secrets if secret.encode() in kept]


def test_what_was_reset_before_the_last_old_key_died_is_offered_again(world: World) -> None:
    world.with_logins("a").opened().approved("2", "1")

    assert world.status("2") is StepStatus.WAITING
    assert world.state("2").round == 2
    assert "2 logins" in world.card("2")


def test_what_was_reset_after_the_keys_died_is_not_offered_again(world: World) -> None:
    world.with_logins("a").opened().approved("1", "2")

    assert world.status("2") is StepStatus.DONE
    assert world.state("2").round == 1


def test_while_old_keys_live_the_card_says_that_they_could_undo_it(world: World) -> None:
    world.with_logins().opened().approved("2")

    assert "an old key could undo this" in world.card("2")


def test_a_further_round_resets_and_hands_over_what_was_offered(world: World) -> None:
    world.with_logins().opened().approved("2", "1", "2")

    before, after = world.mailgun.passwords[POSTMASTER]
    assert before != after
    assert after in world.handed_over
    assert world.status("2") is StepStatus.DONE


def test_a_further_round_that_is_skipped_is_not_offered_a_third_time(world: World) -> None:
    world.with_logins().opened().approved("2", "1")
    world.press(Ask.SKIP, "2", text="set minutes before")
    world.vacated()

    assert world.status("2") is StepStatus.SKIPPED
    assert world.status("5") is StepStatus.WAITING


def test_a_password_set_before_the_last_key_died_and_handed_over_after_is_offered_again(world: World) -> None:
    world.with_logins().opened()
    world.press(Ask.APPROVE, "2")
    world.press(Ask.APPROVE, "1")
    world.drain("smtp_credentials.begin")

    def meanwhile(marker: object) -> None:
        """Between the setting and the sending of the password, step 1 is done to its end."""
        world.slack.while_posting = lambda marker: None
        world.drain("api_keys.begin", "api_keys.replace", "api_keys.retire")

    world.slack.while_posting = meanwhile
    world.drain(SET)
    world.work()

    assert world.incident.keys_expired_at
    assert world.state("2").round == 2


# --- Subaccounts


def test_the_logins_of_a_subaccount_are_set_on_its_behalf_and_handed_over_under_its_name(world: World) -> None:
    world.with_logins("a").with_subaccount("Shop", "mg.shop.example", "till")
    world.opened().approved("2")

    assert world.status("2") is StepStatus.DONE
    assert set(world.slack.handovers[0].secrets) == {
        "mg.acme.example (US): a@mg.acme.example",
        "mg.acme.example (US): postmaster@mg.acme.example",
        "mg.shop.example (US, subaccount Shop): postmaster@mg.shop.example",
        "mg.shop.example (US, subaccount Shop): till@mg.shop.example",
    }
    assert world.mailgun.password_of("us/mg.shop.example/till@mg.shop.example") in world.handed_over


def test_the_card_counts_the_logins_of_subaccounts_apart(world: World) -> None:
    world.with_logins("a").with_subaccount("Shop", "mg.shop.example", "till")
    world.with_subaccount("Blog", "mg.blog.example", region="eu")
    world.opened()

    touched = "Touches 5 SMTP logins (EU: 1 login of 1 domain; US: 4 logins of 2 domains), 3 of them of 2 subaccounts"
    assert touched in world.card("2")


def test_the_card_names_no_subaccounts_where_none_has_a_login(world: World) -> None:
    world.with_logins("a").opened()

    assert "subaccount" not in world.card("2")


def test_a_login_of_a_subaccount_is_issued_anew_on_its_behalf(world: World) -> None:
    world.with_subaccount("Shop", "mg.shop.example", "till")
    world.opened().approved("2").type("reissue till@mg.shop.example", by="U-REQ")
    world.work()

    first, second = world.mailgun.passwords["us/mg.shop.example/till@mg.shop.example"]
    assert world.handed_over[-1] == second != first
    assert set(world.slack.handovers[-1].secrets) == {"mg.shop.example (US, subaccount Shop): till@mg.shop.example"}


def test_a_login_of_a_subaccount_that_was_taken_over_meanwhile_is_set_again_on_its_behalf(world: World) -> None:
    world.with_subaccount("Shop", "mg.shop.example", "till")
    world.opened().press(Ask.APPROVE, "2")
    world.drain("smtp_credentials.begin")
    late = world.claim(SET)
    assert late is not None
    stuck_until = world.policy.lease * 2
    # Neither asks for more time once it is about to set a password.
    both_set_theirs = Barrier(2, timeout=10)

    def held_up(call: str) -> None:
        """Setting both passwords takes so long that another process takes that work over and ends it."""
        if call == "set_password" and both_set_theirs.wait() == 0:
            world.mailgun.while_calling = lambda call: None
            world.clock.pass_by(stuck_until)
            world.drain(SET)

    world.mailgun.while_calling = held_up
    world.run(late)
    world.work()

    assert world.status("2") is StepStatus.DONE
    assert world.trail(Action.SET_AGAIN)
    for login in ("postmaster", "till"):
        assert world.mailgun.password_of(f"us/mg.shop.example/{login}@mg.shop.example") in world.handed_over


# --- What is gone


def test_a_login_that_was_deleted_after_its_first_round_is_not_offered_over_and_over(world: World) -> None:
    world.with_logins("a", "gone").opened().approved("2")
    world.mailgun.all_logins.remove(Login("us", "mg.acme.example", "gone@mg.acme.example"))
    world.approved("1", "2")

    assert world.status("2") is StepStatus.DONE
    assert [e.facts.subject for e in world.trail(Action.FAILED)] == ["us/mg.acme.example/gone@mg.acme.example"]


def test_a_login_that_was_gone_and_is_back_is_offered_again(world: World) -> None:
    gone = Login("us", "mg.acme.example", "gone@mg.acme.example")
    world.with_logins("a", "gone").opened().approved("2")
    world.mailgun.all_logins.remove(gone)
    world.approved("1", "2")
    world.mailgun.all_logins.append(gone)
    world.vacated()

    assert world.status("2") is StepStatus.WAITING
    assert world.state("2").facts["scope"] == [gone.subject]
