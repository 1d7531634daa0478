"""Step 5: everything is looked at once more, Support is told, and the bot watches."""

import pytest

from recovery.account import Login
from recovery.actions import Ask
from recovery.audit import Action
from recovery.errors import Refused, Uncertain
from recovery.keyring import marked, new_mark
from recovery.state import IncidentStatus, StepStatus
from tests.recovery.builders import a_domain, a_key, a_member, a_user
from tests.recovery.world import POSTMASTER, World


@pytest.fixture
def nearly(world: World) -> World:
    """Steps 1 and 2 are done, 3 and 4 are skipped; the note is left."""
    return world.with_logins().opened().approved("1", "2").vacated("6")


def finish_note(world: World) -> World:
    for topic in ("hosting", "repositories"):
        world.press(Ask.NOTE, text="nothing found", topic=topic)
    world.work()
    return world


def disable(world: World, yes: bool = True) -> None:
    domains = world.mailgun.all_domains
    world.mailgun.all_domains = [
        a_domain(d.name, d.region, is_disabled=yes, disabled_for="compromised" if yes else None) for d in domains
    ]


def told(world: World) -> World:
    finish_note(world)
    world.press(Ask.SENT, "5", text="4711")
    world.work()
    return world


# --- The note -------------------------------------------------------------------------------------------


def test_one_topic_alone_leaves_the_note_open(nearly: World) -> None:
    nearly.press(Ask.NOTE, text="they found nothing", topic="hosting")
    nearly.work()

    assert nearly.status("6") is StepStatus.WAITING
    assert "they found nothing" in nearly.card("6") and "U-APP" in nearly.card("6")
    assert nearly.status("5") is StepStatus.LOCKED


def test_the_note_is_done_when_both_topics_are_noted(nearly: World) -> None:
    assert finish_note(nearly).status("6") is StepStatus.DONE
    assert len(nearly.trail(Action.NOTED)) == 2


def test_a_topic_is_noted_once(nearly: World) -> None:
    nearly.press(Ask.NOTE, text="first", topic="hosting")
    answer = nearly.press(Ask.NOTE, by="U-REQ", text="second", topic="hosting")

    assert "already" in answer and "U-APP" in answer
    assert "first" in nearly.card("6") and "second" not in nearly.card("6")


def test_what_an_earlier_version_noted_still_counts(nearly: World) -> None:
    earlier = {"hosting": {"text": "they found nothing", "by": "U-APP", "at": nearly.clock.now().isoformat()}}
    with nearly.database.write() as tx:
        tx.steps.set(nearly.state("6").id, facts={"findings": earlier})

    assert "they found nothing" in nearly.card("6")
    nearly.press(Ask.NOTE, text="nothing", topic="repositories")
    assert nearly.status("6") is StepStatus.DONE
    assert "they found nothing" in nearly.card("6")


def test_a_skipped_note_can_still_be_written(nearly: World) -> None:
    nearly.press(Ask.SKIP, "6", text="later")

    assert finish_note(nearly).status("6") is StepStatus.DONE


# --- The last look --------------------------------------------------------------------------------------


def test_the_last_step_stays_locked_while_another_is_open(nearly: World) -> None:
    nearly.work()

    assert nearly.status("5") is StepStatus.LOCKED
    assert "not settled" in nearly.type("sent 4711")
    assert nearly.status("5") is StepStatus.LOCKED


def test_it_opens_once_the_others_are_settled_and_nothing_is_left_over(nearly: World) -> None:
    finish_note(nearly)

    assert nearly.status("5") is StepStatus.WAITING
    assert "re-enable" in nearly.card("5")


def test_a_key_that_appeared_since_is_offered(nearly: World) -> None:
    nearly.mailgun.has_key(a_key("intruder"), "x")
    finish_note(nearly)

    assert nearly.status("1") is StepStatus.WAITING
    assert nearly.status("5") is StepStatus.LOCKED
    assert "1 key" in nearly.card("1")


def test_a_key_that_mailgun_lists_for_a_moment_longer_than_it_is_there_is_not_offered(nearly: World) -> None:
    gone = nearly.mailgun.has_key(a_key("deleted just now"), "x")
    listed = len(nearly.mailgun.called("keys"))

    def forget_after_the_first_look(call: str) -> None:
        if len(nearly.mailgun.called("keys")) > listed + 1:
            nearly.mailgun.api_keys.pop(gone.id, None)

    nearly.mailgun.while_calling = forget_after_the_first_look
    finish_note(nearly)

    assert nearly.status("1") is StepStatus.DONE
    assert nearly.status("5") is StepStatus.WAITING


def test_a_key_that_bears_a_mark_of_nobodys_is_offered_too(nearly: World) -> None:
    nearly.mailgun.has_key(a_key("intruder", description=marked("billing", new_mark())), "x")
    finish_note(nearly)

    assert nearly.status("1") is StepStatus.WAITING


def test_a_login_that_appeared_since_is_offered(nearly: World) -> None:
    nearly.mailgun.all_logins.append(Login("us", "mg.acme.example", "eve@mg.acme.example"))
    finish_note(nearly)

    assert nearly.status("2") is StepStatus.WAITING
    nearly.approved("2")
    assert len(nearly.mailgun.passwords["us/mg.acme.example/eve@mg.acme.example"]) == 1
    assert len(nearly.mailgun.passwords[POSTMASTER]) == 1
    assert nearly.status("5") is StepStatus.WAITING


def test_a_login_that_appeared_where_there_was_none_is_offered(world: World) -> None:
    world.opened().approved("1", "2").vacated("6")
    world.with_logins()
    finish_note(world)

    assert world.status("2") is StepStatus.WAITING


def test_a_login_that_mailgun_does_not_have_is_not_offered_over_and_over(world: World) -> None:
    # A domain may name an SMTP login that is no credential: setting its password is answered with 404.
    world.mailgun.has_domain(a_domain())
    world.opened().approved("1", "2").vacated("6")
    finish_note(world)

    assert world.status("5") is StepStatus.WAITING


def test_what_a_skipped_step_left_is_not_offered(world: World) -> None:
    world.with_logins().opened().vacated()

    assert world.status("5") is StepStatus.WAITING


def test_what_was_offered_and_skipped_is_not_offered_again(nearly: World) -> None:
    nearly.mailgun.has_key(a_key("known"), "x")
    finish_note(nearly)
    nearly.press(Ask.SKIP, "1", text="that one is ours")
    nearly.work()

    assert nearly.status("5") is StepStatus.WAITING


def test_if_mailgun_refuses_the_last_look_the_board_says_so_and_it_is_tried_again(nearly: World) -> None:
    nearly.mailgun.fail("domains", Refused("Forbidden", status=403))
    for topic in ("hosting", "repositories"):
        nearly.press(Ask.NOTE, text="nothing found", topic=topic)
    nearly.work(patience=nearly.policy.tick / 2)
    assert "Trouble: the last look at the account: Forbidden" in nearly.board

    nearly.work()
    assert nearly.status("5") is StepStatus.WAITING
    assert "Trouble" not in nearly.board


def test_keep_reminding_lets_the_last_step_open(world: World) -> None:
    world.mailgun.has_user(a_user("ann"))
    world.directory.has(a_member("U-ANN", email="ann@acme.example"))
    world.opened().approved("4").vacated("4")
    assert world.status("5") is StepStatus.LOCKED

    world.press(Ask.KEEP_REMINDING, "4")
    world.work()

    assert world.status("5") is StepStatus.WAITING
    assert world.status("4") is StepStatus.RUNNING


# --- Telling and watching -------------------------------------------------------------------------------


def test_an_account_that_never_was_disabled_is_recovered_at_once(nearly: World) -> None:
    told(nearly)

    assert nearly.incident.recovered_at
    assert nearly.status("5") is StepStatus.DONE
    assert nearly.incident.ticket == "4711"


def test_a_disabled_account_is_recovered_when_its_domains_work_again(world: World) -> None:
    world.with_logins()
    disable(world)
    world.opened().approved("1", "2").vacated("6")
    told(world)
    assert world.incident.status is IncidentStatus.OPEN
    assert world.status("5") is StepStatus.RUNNING

    disable(world, yes=False)
    world.later(world.policy.poll_every)

    assert world.incident.recovered_at
    assert "work again" in world.trail(Action.RECOVERED)[0].facts.result


def test_a_domain_that_was_disabled_for_another_reason_is_not_waited_for(world: World) -> None:
    unpaid = a_domain("unpaid.example", is_disabled=True, disabled_for="unpaid")
    world.mailgun.has_domain(unpaid, unpaid.smtp_login)
    world.with_logins().opened().approved("1", "2").vacated("6")
    told(world)

    assert world.incident.recovered_at


def test_an_account_that_could_not_be_counted_is_still_waited_for(world: World) -> None:
    world.with_logins()
    disable(world)
    world.mailgun.fail("keys", Refused("Forbidden", status=403))
    world.opened().vacated()
    told(world)

    assert not world.incident.recovered_at


def test_while_mailgun_does_not_answer_the_account_is_not_declared_recovered(nearly: World) -> None:
    finish_note(nearly)
    nearly.mailgun.fail("domains", Uncertain("timed out"), times=100)
    nearly.press(Ask.SENT, "5", text="4711")
    nearly.work()

    assert nearly.incident.status is IncidentStatus.OPEN


def test_a_recovered_incident_closes_when_nobody_is_left(nearly: World) -> None:
    told(nearly)

    assert nearly.incident.status is IncidentStatus.CLOSED
    assert len(nearly.trail(Action.CLOSED)) == 1


def test_the_message_for_support_counts_every_round(world: World) -> None:
    world.with_logins("a", "b").opened().approved("1", "2").vacated("6")
    world.mailgun.all_logins.append(Login("us", "mg.acme.example", "eve@mg.acme.example"))
    finish_note(world)
    world.approved("2")

    assert "4" in world.card("5").split("2. Reset SMTP passwords:")[1].split("\n")[0].split("UTC)")[1]
