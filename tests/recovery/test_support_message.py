"""The message for Mailgun Support."""

import re

from recovery.audit import Action
from recovery.state import Incident, ObligationStatus, StepStatus, TaskStatus
from recovery.step import OLD_KEY_WARNING
from recovery.step_view import StepView
from recovery.steps import STEPS
from recovery.support_message import support_message
from tests.recovery.builders import HOUR, NOON, a_person, a_view, an_incident, an_obligation, entries, facts

TRAIL = entries(
    facts(Action.OPENED, actor="U-REQ"),
    facts(Action.KEY_REPLACED, "billing (admin, key-1)", result="the new one is new-1"),
    facts(Action.KEY_REPLACED, "shop (sending, key-2)"),
    facts(Action.KEY_DELETED, "billing (admin, key-1)"),
    facts(Action.SESSION_DELETED, "control panel session"),
    facts(Action.OBLIGATION_MET, "2FA: ann@acme.example", private=True),
    facts(Action.HANDED_OVER, "2 API keys (handover 1)", whom="U-REQ"),
)
WATCHED = ("us/mg.acme.example",)
INCIDENT = an_incident(
    keys_expired_at=NOON + HOUR,
    description="ann@acme.example leaked key-0123456789abcdef",
    watched=WATCHED,
    was_disabled=True,
)
PEOPLE = [
    (an_obligation(status=ObligationStatus.DONE), a_person("ann")),
    (an_obligation(id=2, person_id=2, status=ObligationStatus.VOUCHED), a_person("sid", id=2)),
    (an_obligation(id=3, person_id=3, status=ObligationStatus.DROPPED), a_person("bob", id=3)),
    (an_obligation(id=4, person_id=4), a_person("zoe", id=4)),
]


def message(incident: Incident = INCIDENT, **special: StepView) -> str:
    views = {
        "api_keys": a_view("api_keys", StepStatus.DONE, incident, {"api_keys.replace": {TaskStatus.DONE: 2}}),
        "smtp_credentials": a_view(
            "smtp_credentials", StepStatus.DONE, incident, {"smtp_credentials.set": {TaskStatus.DONE: 1_240}}
        ),
        "two_factor": a_view("two_factor", StepStatus.RUNNING, incident, obligations=PEOPLE, keep_reminding=True),
        **special,
    }
    every = [(step, views.get(step.kind) or a_view(step.kind, StepStatus.DONE, incident)) for step in STEPS]
    return support_message(incident, every, TRAIL, {})


def test_it_names_each_step_but_its_own() -> None:
    said = message()

    assert all((f"{step.number}. {step.title}" in said) is not step.opens_last for step in STEPS)


def test_it_counts_what_was_done() -> None:
    said = message()

    assert "2 API keys replaced, 1 old key deleted, 1 control panel session ended" in said
    assert "1,240 of 1,240 passwords" in said


def test_it_counts_the_people_and_who_was_vouched_for() -> None:
    assert "2 of 3 users, 1 of them confirmed by us" in message()


def test_it_says_when() -> None:
    said = message()

    assert "opened at 2026-11-24 12:00 UTC" in said
    assert "deleted at 2026-11-24 13:00 UTC" in said


def test_it_says_what_was_skipped_and_why() -> None:
    skipped = a_view("smtp_credentials", StepStatus.SKIPPED, INCIDENT, reason="we send by API alone")

    assert "not done: we send by API alone" in message(smtp_credentials=skipped)


def test_what_was_done_before_the_rest_was_skipped_is_said_too() -> None:
    tally = {"smtp_credentials.set": {TaskStatus.DONE: 100, TaskStatus.DROPPED: 2}}
    skipped = a_view("smtp_credentials", StepStatus.SKIPPED, INCIDENT, tally, reason="two are test logins")

    said = message(smtp_credentials=skipped)
    assert "100 of 100 passwords set and handed over; the rest was left as it is: two are test logins" in said


def test_a_step_that_was_skipped_before_anything_was_done_is_not_done() -> None:
    tally = {"smtp_credentials.begin": {TaskStatus.DONE: 1}, "smtp_credentials.set": {TaskStatus.DROPPED: 2}}
    skipped = a_view("smtp_credentials", StepStatus.SKIPPED, INCIDENT, tally, reason="we send by API alone")

    assert "not done: we send by API alone" in message(smtp_credentials=skipped)


def test_what_an_old_key_could_undo_is_for_the_team_and_not_for_support() -> None:
    said = message(an_incident(keys_expired_at=None))

    assert "1,240 of 1,240 passwords set and handed over" in said
    assert OLD_KEY_WARNING not in said


def test_a_disabled_account_is_to_be_re_enabled() -> None:
    assert "Please re-enable the account" in message(an_incident(watched=WATCHED, was_disabled=True))


def test_of_an_account_that_was_not_disabled_support_is_asked_what_else_it_sees() -> None:
    said = message(an_incident(watched=WATCHED, was_disabled=False))

    assert "please re-enable" not in said.lower()
    assert "Our Mailgun account was compromised" in said and "With this the account is recovered" in said
    assert "Please look for anything else on your side" in said


def test_an_account_that_could_not_be_counted_is_to_be_re_enabled_if_it_is_disabled() -> None:
    assert "If the account is disabled, please re-enable it" in message(an_incident(watched=(), was_disabled=False))


def test_it_names_no_person_and_holds_no_secret() -> None:
    said = message()

    assert not re.search(r"\S+@\S+", said)
    assert not re.search(r"U-[A-Z]+", said)
    assert "key-" not in said and "new-1" not in said


def test_it_does_not_shout() -> None:
    assert "!" not in message()
