"""An SMTP login that was deleted is made anew: it works, and its recipient is handed its password."""

import pytest

from recovery.account import Login, Subaccount
from recovery.actions import Ask
from recovery.audit import Action
from recovery.errors import Refused, Uncertain
from recovery.state import StepStatus, TaskStatus
from recovery.steps.smtp_credentials import make_login_anew
from tests.recovery.world import POSTMASTER, World

SET = "smtp_credentials.set"
TILL = Login("us", "mg.acme.example", "till@mg.acme.example")


@pytest.fixture
def ready(world: World) -> World:
    """An account with a postmaster; step 2 is to be approved."""
    return world.with_logins().opened()


def make(world: World, login: Login = TILL) -> None:
    """Somebody decided to have a deleted login made anew."""
    with world.database.write() as tx:
        make_login_anew(tx, world.incident, world.state("2"), login)


def made(world: World, login: Login = TILL) -> World:
    make(world, login)
    world.work()
    return world


def test_it_is_made_with_a_password_that_is_handed_over(ready: World) -> None:
    made(ready.approved("2"))

    assert TILL in ready.mailgun.all_logins
    assert ready.slack.handovers[-1].secrets == {
        "mg.acme.example (US): till@mg.acme.example": ready.mailgun.password_of(TILL.subject)
    }


def test_a_step_that_had_ended_runs_again_and_is_done_then(ready: World) -> None:
    make(ready.approved("2"))
    assert ready.status("2") is StepStatus.RUNNING

    ready.work()
    assert ready.status("2") is StepStatus.DONE
    assert len(ready.mailgun.passwords[POSTMASTER]) == 1


def test_a_step_that_waits_makes_it_and_goes_on_waiting(ready: World) -> None:
    made(ready)

    assert ready.mailgun.password_of(TILL.subject) in ready.handed_over
    assert ready.status("2") is StepStatus.WAITING
    assert POSTMASTER not in ready.mailgun.passwords


def test_a_step_that_was_skipped_makes_it_and_leaves_the_rest_as_it_is(ready: World) -> None:
    ready.vacated()
    made(ready).work()

    assert ready.status("2") is StepStatus.DONE
    assert ready.status("5") is StepStatus.WAITING
    assert POSTMASTER not in ready.mailgun.passwords


def test_a_step_that_was_skipped_and_is_approved_later_takes_up_the_rest(ready: World) -> None:
    ready.press(Ask.SKIP, "2", text="not now")
    make(ready)
    ready.drain("smtp_credentials.begin")
    ready.mailgun.fail("create_login", Refused("locked", status=403), times=9)
    ready.work()
    ready.mailgun.faults.clear()
    ready.press(Ask.SKIP, "2", text="still not now")
    ready.approved("2")

    ready.with_logins("late", domain="new.acme.example")
    ready.vacated()
    assert ready.status("2") is StepStatus.WAITING
    assert "another round" in ready.card("2").lower()


def test_one_of_a_subaccount_is_made_on_its_behalf(world: World) -> None:
    shop = world.with_subaccount("Shop", "mg.shop.example")
    login = Login("us", "mg.shop.example", "till@mg.shop.example", owner=shop)
    made(world.opened().approved("2"), login)

    assert world.slack.handovers[-1].secrets == {
        "mg.shop.example (US, subaccount Shop): till@mg.shop.example": world.mailgun.password_of(login.subject)
    }


def test_an_uncertain_creation_that_happened_is_repeated_with_the_same_password(ready: World) -> None:
    ready.approved("2").mailgun.fail("create_login", Uncertain("timed out"), after=True)
    made(ready)

    first, second = ready.mailgun.passwords[TILL.subject]
    assert first == second == ready.handed_over[-1]


def test_an_uncertain_creation_that_did_not_happen_is_repeated(ready: World) -> None:
    ready.approved("2").mailgun.fail("create_login", Uncertain("timed out"))
    made(ready)

    assert ready.mailgun.passwords[TILL.subject] == [ready.handed_over[-1]]


def test_a_crash_after_the_creation_ends_in_another_password_that_is_handed_over(ready: World) -> None:
    make(ready.approved("2"))
    ready.drain("smtp_credentials.begin")
    ready.mailgun.fail("create_login", SystemExit(), after=True)
    with pytest.raises(SystemExit):
        ready.drain(SET)
    ready.start()
    ready.later(ready.policy.lease)

    first, second = ready.mailgun.passwords[TILL.subject]
    assert first not in ready.handed_over
    assert ready.handed_over[-1] == second != first


def test_a_creation_that_mailgun_refuses_is_shown_in_mailguns_words_and_can_be_retried(ready: World) -> None:
    ready.approved("2").mailgun.fail("create_login", Refused("this login is reserved", status=400))
    made(ready)

    (failure,) = ready.failures("2")
    assert (failure.subject, failure.failure) == (TILL.subject, "this login is reserved")

    ready.press(Ask.RETRY, "2")
    ready.work()
    assert ready.mailgun.password_of(TILL.subject) in ready.handed_over


@pytest.mark.parametrize("target", ["till@mg.acme.example", "all"])
def test_one_that_could_not_be_made_is_not_lost_when_it_is_issued_anew(ready: World, target: str) -> None:
    ready.approved("2").mailgun.fail("create_login", Refused("this login is reserved", status=400))
    made(ready)
    ready.type(f"reissue {target}", by="U-REQ")
    ready.work()

    assert ready.mailgun.password_of(TILL.subject) in ready.handed_over
    assert not ready.failures("2")


def test_one_of_a_subaccount_that_could_not_be_made_is_made_on_its_behalf_when_it_is_issued_anew(
    world: World,
) -> None:
    shop = world.with_subaccount("Shop", "mg.shop.example")
    login = Login("us", "mg.shop.example", "till@mg.shop.example", owner=shop)
    world.opened().approved("2").mailgun.fail("create_login", Refused("reserved", status=400))
    made(world, login)
    world.type("reissue till@mg.shop.example", by="U-REQ")
    world.work()

    assert world.mailgun.password_of(login.subject) in world.handed_over


def test_one_that_could_not_be_made_while_the_step_waited_is_made_once_it_is_approved(ready: World) -> None:
    ready.mailgun.fail("create_login", Refused("this login is reserved", status=400))
    made(ready).approved("2")

    assert ready.status("2") is StepStatus.DONE
    assert {POSTMASTER, TILL.subject} <= set(ready.mailgun.passwords)


def test_one_that_was_made_before_the_last_old_key_died_is_offered_again(ready: World) -> None:
    made(ready.approved("2")).approved("1")
    assert TILL.subject in str(ready.state("2").facts["scope"])

    ready.approved("2")
    _, second = ready.mailgun.passwords[TILL.subject]
    assert ready.status("2") is StepStatus.DONE and second in ready.handed_over


def test_one_that_somebody_deleted_again_is_not_made_a_second_time(ready: World) -> None:
    made(ready.approved("2")).mailgun.all_logins.remove(TILL)
    ready.approved("1", "2")

    assert TILL not in ready.mailgun.all_logins
    assert ready.status("2") is StepStatus.DONE
    assert "Mailgun no longer has this login" in [e.facts.result for e in ready.trail(Action.FAILED)]


def test_one_that_was_deleted_again_by_decision_can_be_made_again(ready: World) -> None:
    made(ready.approved("2")).mailgun.all_logins.remove(TILL)
    made(ready)

    assert TILL in ready.mailgun.all_logins
    assert ready.handed_over[-1] == ready.mailgun.password_of(TILL.subject)


def test_asked_for_twice_it_is_made_once(ready: World) -> None:
    make(ready.approved("2"))
    make(ready)
    ready.work()

    assert len(ready.mailgun.called("create_login")) == 1


def test_one_whose_domain_is_gone_is_dropped_with_a_word(ready: World) -> None:
    made(ready.approved("2"), Login("us", "old.acme.example", "till@old.acme.example"))

    assert ready.status("2") is StepStatus.DONE
    assert [t.subject for t in ready.tasks("2", TaskStatus.DROPPED)] == ["us/old.acme.example/till@old.acme.example"]
    assert "Mailgun no longer has the domain of this login" in [e.facts.result for e in ready.trail(Action.FAILED)]


def test_if_the_incident_is_cancelled_first_what_was_decided_before_is_still_made(ready: World) -> None:
    make(ready.approved("2"))
    ready.press(Ask.CANCEL, text="a false alarm")
    ready.work()

    assert ready.mailgun.password_of(TILL.subject) in ready.handed_over


def test_a_subaccount_keeps_its_name_where_mailgun_no_longer_lists_it(world: World) -> None:
    shop = world.with_subaccount("Shop", "mg.shop.example")
    world.opened().approved("2")
    world.mailgun.outlets.subaccounts.clear()
    made(world, Login("us", "mg.shop.example", "till@mg.shop.example", owner=Subaccount(shop.id, "Shop", True)))

    assert "mg.shop.example (US, subaccount Shop): till@mg.shop.example" in world.slack.handovers[-1].secrets
