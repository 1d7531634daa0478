"""Step 7: scheduled and undelivered mail is deleted, of every domain but those that were left out."""

import pytest

from recovery.actions import Ask
from recovery.audit import Action
from recovery.content import Button, Card, MarkerKind
from recovery.errors import NotFound, Refused, Uncertain
from recovery.leaving_out import MOST_ROWS, left_out
from recovery.state import StepStatus, TaskStatus
from tests.recovery.builders import a_domain
from tests.recovery.world import World

DELETE = "queued_mail.delete"
ACME, EU = "us/mg.acme.example", "eu/eu.acme.example"


@pytest.fixture
def ready(world: World) -> World:
    """A domain in each region; step 7 is to be approved."""
    return world.with_logins().with_logins(domain="eu.acme.example", region="eu").opened()


def deleted(world: World) -> list[str]:
    return sorted(world.mailgun.outlets.queue_deleted)


def card(world: World) -> Card:
    """Step 7's message as it stands now."""
    world.draw()
    (posted,) = [m for m in world.slack.of_kind(MarkerKind.STEP) if m.ts == world.state("7").message_ts]
    assert isinstance(posted.content, Card)
    return posted.content


def rows(world: World) -> dict[str, Button]:
    """The button beside each domain, by the domain's words."""
    buttons = {}
    for row in card(world).rows:
        (control,) = row.controls
        assert isinstance(control, Button)
        buttons[str(row.line[0]).removeprefix("☑ ").removeprefix("☐ ").removesuffix(" (left out)")] = control
    return buttons


def press(world: World, row: str, by: str = "U-APP") -> str:
    """Press the button beside that domain."""
    button = rows(world)[row]
    world.ask(Ask(button.action), by, about=button.about)
    return world.judged()


# --- What it does


def test_it_deletes_what_is_queued_of_each_domain_in_both_regions(ready: World) -> None:
    ready.approved("7")

    assert deleted(ready) == [EU, ACME]
    assert ready.status("7") is StepStatus.DONE
    assert "queued mail of 2 of 2 domains deleted" in ready.board


def test_that_of_a_subaccount_is_deleted_on_its_behalf(world: World) -> None:
    world.with_logins().with_subaccount("Shop", "mg.shop.example")
    world.opened()
    assert "2 domains (US: 2), 1 of them of a subaccount" in world.card("7")

    world.approved("7")
    assert deleted(world) == [ACME, "us/mg.shop.example"]
    assert "mg.shop.example (US, subaccount Shop)" in [e.facts.subject for e in world.trail(Action.QUEUE_DELETED)]


def test_each_domain_has_an_entry_in_the_trail(ready: World) -> None:
    ready.approved("7")

    told = [(e.facts.actor, e.facts.subject) for e in ready.trail(Action.QUEUE_DELETED)]
    assert sorted(told) == [("bot", "eu.acme.example (EU)"), ("bot", "mg.acme.example (US)")]


def test_the_card_says_that_wanted_mail_goes_too_and_that_other_steps_come_first(ready: World) -> None:
    said = ready.card("7")

    assert "2 domains (EU: 1; US: 1)" in said
    assert "Wanted mail goes too, and cannot be brought back" in said
    assert "steps 1 and 2" in said


def test_approve_asks_once_more_and_says_that_it_cannot_be_brought_back(ready: World) -> None:
    (approve, *_) = card(ready).buttons

    assert isinstance(approve, Button) and approve.confirm is not None
    assert "2 domains" in approve.confirm.text and "cannot be brought back" in approve.confirm.text


def test_nothing_is_deleted_without_an_approval(ready: World) -> None:
    ready.press(Ask.APPROVE, "7", by="U-STRANGER")
    ready.vacated()

    assert not deleted(ready)
    assert ready.status("5") is StepStatus.WAITING


def test_domains_are_listed_again_at_the_approval(ready: World) -> None:
    ready.mailgun.has_domain(a_domain("late.acme.example"))
    ready.approved("7")

    assert "us/late.acme.example" in deleted(ready)


def test_an_account_that_could_not_be_counted_has_all_of_its_queued_mail_deleted(world: World) -> None:
    world.with_logins().mailgun.fail("keys", Refused("Forbidden", status=403))
    world.opened()
    assert "every domain, in both regions" in world.card("7")

    world.approved("7")
    assert deleted(world) == [ACME]


def test_support_is_told_what_was_deleted_and_what_was_kept(ready: World) -> None:
    press(ready, "eu.acme.example (EU)")
    ready.approved("7").vacated()

    paste = str(ready.state("5").facts["paste"])
    assert "Delete queued mail: done" in paste
    assert "mail of 1 domain deleted; left as they were by our decision: eu.acme.example (EU)" in paste


# --- What goes wrong


def test_an_uncertain_answer_is_repeated(ready: World) -> None:
    ready.mailgun.fail("delete_queued", Uncertain("timed out"), ACME, after=True)
    ready.approved("7")

    assert deleted(ready) == [EU, ACME, ACME]
    assert len(ready.trail(Action.QUEUE_DELETED)) == 2


def test_a_crash_after_the_deletion_repeats_it(ready: World) -> None:
    ready.press(Ask.APPROVE, "7")
    ready.drain("queued_mail.begin")
    ready.mailgun.fail("delete_queued", SystemExit(), ACME, after=True)
    with pytest.raises(SystemExit):
        ready.drain(DELETE)
    ready.start()
    ready.later(ready.policy.lease)

    assert set(deleted(ready)) == {EU, ACME}
    assert ready.status("7") is StepStatus.DONE
    assert len(ready.trail(Action.QUEUE_DELETED)) == 2


def test_a_refusal_is_shown_for_its_domain_and_the_others_go_on(ready: World) -> None:
    ready.mailgun.fail("delete_queued", Refused("this domain is locked", status=403), ACME)
    ready.approved("7")

    assert deleted(ready) == [EU]
    assert ready.status("7") is StepStatus.NEEDS_ATTENTION
    assert "mg.acme.example (US)" in ready.card("7") and "this domain is locked" in ready.card("7")

    ready.press(Ask.RETRY, "7")
    ready.work()
    assert deleted(ready) == [EU, ACME]


def test_a_domain_that_is_gone_meanwhile_is_dropped(ready: World) -> None:
    ready.press(Ask.APPROVE, "7")
    ready.drain("queued_mail.begin")
    ready.mailgun.all_domains[:] = [d for d in ready.mailgun.all_domains if d.subject != ACME]
    ready.work()

    assert ready.status("7") is StepStatus.DONE
    assert [t.subject for t in ready.tasks("7", TaskStatus.DROPPED)] == [ACME]
    assert "queued mail of 1 of 1 domain deleted" in ready.board


def test_a_domain_that_no_storage_host_knows_is_not_offered_over_and_over(ready: World) -> None:
    ready.mailgun.fail("delete_queued", NotFound("domain not found", status=404), ACME)
    ready.approved("7").vacated()

    assert ready.status("7") is StepStatus.DONE
    assert ready.status("5") is StepStatus.WAITING


def test_a_cancelled_incident_deletes_nothing_that_was_not_begun(ready: World) -> None:
    ready.press(Ask.APPROVE, "7")
    ready.press(Ask.CANCEL, text="a false alarm")
    ready.work()

    assert not deleted(ready)


# --- Another round


def test_what_was_emptied_before_the_last_old_key_died_is_offered_again(ready: World) -> None:
    ready.approved("7", "1")
    assert ready.status("7") is StepStatus.WAITING
    assert "Another round: 2 domains" in ready.card("7")

    ready.approved("7")
    assert deleted(ready) == [EU, EU, ACME, ACME]
    assert ready.status("7") is StepStatus.DONE


def test_what_was_emptied_after_the_keys_died_is_not_offered_again(ready: World) -> None:
    ready.approved("1")
    assert "Best done once SMTP passwords are reset too (step 2)" in ready.card("7")

    ready.approved("7")
    assert (ready.status("7"), ready.state("7").round) == (StepStatus.DONE, 1)


def test_a_further_round_that_is_skipped_is_not_offered_a_third_time(ready: World) -> None:
    ready.approved("7", "1")
    ready.press(Ask.SKIP, "7", text="seen to by hand")
    ready.vacated()

    assert ready.status("7") is StepStatus.SKIPPED
    assert ready.status("5") is StepStatus.WAITING


def test_a_domain_that_is_deleted_before_the_further_round_is_not_offered_over_and_over(ready: World) -> None:
    ready.approved("7", "1")
    ready.mailgun.all_domains[:] = [d for d in ready.mailgun.all_domains if d.subject != ACME]
    ready.approved("7")

    assert ready.status("7") is StepStatus.DONE
    assert deleted(ready) == [EU, EU, ACME]


def test_a_domain_that_is_new_at_the_last_look_is_offered(ready: World) -> None:
    ready.approved("1", "7")
    ready.mailgun.has_domain(a_domain("late.acme.example"))
    ready.vacated()

    assert ready.status("7") is StepStatus.WAITING
    assert set(rows(ready)) == {"late.acme.example (US)"}


# --- Leaving domains out


def test_each_domain_has_a_button_that_leaves_it_out(ready: World) -> None:
    assert {row: button.label for row, button in rows(ready).items()} == {
        "eu.acme.example (EU)": "Leave out",
        "mg.acme.example (US)": "Leave out",
    }


def test_what_is_left_out_stays_queued(ready: World) -> None:
    answer = press(ready, "eu.acme.example (EU)")
    assert "eu.acme.example (EU): left out." in answer
    assert "Left out: eu.acme.example (EU)" in ready.card("7") and "1 domain (US: 1)" in ready.card("7")

    ready.approved("7")
    assert deleted(ready) == [ACME]


def test_it_can_be_included_again(ready: World) -> None:
    press(ready, "eu.acme.example (EU)")
    assert rows(ready)["eu.acme.example (EU)"].label == "Include"
    press(ready, "eu.acme.example (EU)")

    ready.approved("7")
    assert deleted(ready) == [EU, ACME]


def test_both_are_in_the_trail_with_who_did_it(ready: World) -> None:
    press(ready, "eu.acme.example (EU)")
    press(ready, "eu.acme.example (EU)", by="U-REQ")

    told = [(e.facts.actor, e.facts.subject, e.facts.result) for e in ready.trail(Action.LEFT_OUT, Action.INCLUDED)]
    label = ready.step("7").label
    assert told == [("U-APP", label, "eu.acme.example (EU)"), ("U-REQ", label, "eu.acme.example (EU)")]


def test_who_may_not_decide_leaves_nothing_out(ready: World) -> None:
    answer = press(ready, "eu.acme.example (EU)", by="U-STRANGER")

    assert "Nothing was changed" in answer
    assert not left_out(ready.state("7"))


def test_an_approve_that_was_drawn_with_an_older_list_comes_too_late(ready: World) -> None:
    older = ready.step("7").about(ready.state("7"))
    press(ready, "eu.acme.example (EU)")
    ready.ask(Ask.APPROVE, about=older)
    answer = ready.judged()
    ready.work()

    assert "has changed since that button was drawn" in answer
    assert ready.status("7") is StepStatus.WAITING and not deleted(ready)


def test_a_second_click_on_the_same_button_changes_nothing(ready: World) -> None:
    button = rows(ready)["eu.acme.example (EU)"]
    for _ in range(2):
        ready.ask(Ask(button.action), about=button.about)
        ready.judged()

    assert len(ready.trail(Action.LEFT_OUT)) == 1
    assert left_out(ready.state("7")) == {EU}


def test_once_it_is_approved_nothing_can_be_left_out(ready: World) -> None:
    button = rows(ready)["eu.acme.example (EU)"]
    ready.approved("7")
    ready.ask(Ask(button.action), about=button.about)
    answer = ready.judged()

    assert "is done; nothing was changed" in answer
    assert not rows(ready)


@pytest.mark.parametrize("word", ["eu.acme.example", "EU.acme.example", EU, "eu.acme.example (EU)"])
def test_a_domain_is_left_out_and_included_by_typing_too(ready: World, word: str) -> None:
    assert "eu.acme.example (EU): left out." in ready.type(f"leave-out 7 {word}")
    assert "left out already. Nothing was changed" in ready.type(f"leave-out step 7 {word}")
    assert left_out(ready.state("7")) == {EU}
    assert "eu.acme.example (EU): included." in ready.type(f"include 7 {word}")
    assert not left_out(ready.state("7"))


def test_a_name_that_both_regions_have_means_both_domains(world: World) -> None:
    world.with_logins().with_logins(region="eu").opened()
    world.type("leave-out 7 mg.acme.example")

    assert left_out(world.state("7")) == {"us/mg.acme.example", "eu/mg.acme.example"}


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("leave-out 7 nowhere.example", "no part that is called “nowhere.example”"),
        ("leave-out 3 mg.acme.example", "no part that is called"),
        ("leave-out 7", "which part"),
        ("leave-out 9 mg.acme.example", "which step"),
        ("include mg.acme.example", "which step"),
    ],
)
def test_what_cannot_be_left_out_is_answered_in_words(ready: World, typed: str, answer: str) -> None:
    assert answer in ready.type(typed)
    assert not left_out(ready.state("7"))


def test_with_everything_left_out_there_is_nothing_to_approve(ready: World) -> None:
    press(ready, "eu.acme.example (EU)")
    press(ready, "mg.acme.example (US)")
    answer = ready.press(Ask.APPROVE, "7")

    assert "is left out" in answer
    assert ready.status("7") is StepStatus.WAITING


def test_what_was_left_out_is_not_offered_at_the_last_look(ready: World) -> None:
    press(ready, "eu.acme.example (EU)")
    ready.approved("1", "7").vacated()

    assert ready.status("7") is StepStatus.DONE
    assert ready.status("5") is StepStatus.WAITING


def test_what_is_left_out_of_a_further_round_is_not_offered_again(ready: World) -> None:
    ready.approved("7", "1")
    press(ready, "eu.acme.example (EU)")
    ready.approved("7").vacated()

    assert deleted(ready) == [EU, ACME, ACME]
    assert ready.status("7") is StepStatus.DONE
    assert ready.status("5") is StepStatus.WAITING


def with_domains(world: World, many: int) -> World:
    for number in range(many):
        world.mailgun.has_domain(a_domain(f"d{number:02}.acme.example"))
    return world.opened()


def test_fifteen_domains_have_a_button_each(world: World) -> None:
    assert len(rows(with_domains(world, MOST_ROWS))) == 15


def test_with_more_domains_the_card_says_what_to_type_instead(world: World) -> None:
    with_domains(world, MOST_ROWS + 1)
    assert not rows(world)
    assert "/mailgun-compromised leave-out 7 <domain>" in world.card("7")

    world.type("leave-out 7 d03.acme.example")
    assert "Left out: d03.acme.example (US)" in world.card("7")
    world.approved("7")
    assert len(deleted(world)) == 15 and "us/d03.acme.example" not in deleted(world)
