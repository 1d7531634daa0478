"""The board, the steps' cards and the other messages: what they count, name, and never say."""

from typing import Any

import pytest

from recovery.account import KeyKind, Login, SignIn
from recovery.actions import Ask
from recovery.answers import help_card
from recovery.board import board_card, report_card, step_card
from recovery.checklist import Conversation, person_card
from recovery.content import Card
from recovery.handover_messages import controls_card, greeting, secrets_message, stub_card
from recovery.policy import Policy
from recovery.secret import Secret
from recovery.state import (
    HandoverStatus,
    IncidentStatus,
    Obligation,
    ObligationStatus,
    Person,
    StepStatus,
    TaskStatus,
)
from recovery.steps import STEPS
from recovery.whos_left import people_card
from tests.recovery.builders import (
    DAY,
    NOON,
    a_board,
    a_domain,
    a_failure,
    a_handover,
    a_key,
    a_person,
    a_step,
    a_user,
    a_view,
    an_incident,
    an_inventory,
    an_obligation,
)
from tests.recovery.fakes import words

SET = "smtp_credentials.set"
T = TaskStatus
EVERY_STEP = pytest.mark.parametrize("kind", [step.kind for step in STEPS])
EVERY_STATUS = pytest.mark.parametrize("status", list(StepStatus))


def card(kind: str, status: StepStatus = StepStatus.WAITING, **view: Any) -> Card:
    return step_card(a_step(kind), a_view(kind, status, **view))


def labels(card: Card) -> list[str]:
    return [button.label for button in card.buttons]


def some_people() -> list[tuple[Obligation, Person]]:
    left, sinch = a_person("ann", id=1), a_person("sid", id=2, sign_in=str(SignIn.SINCH))
    done = a_person("bob", id=3)
    return [
        (an_obligation(id=1, person_id=1), left),
        (an_obligation(id=2, person_id=2), sinch),
        (an_obligation(id=3, person_id=3, status=ObligationStatus.DONE), done),
    ]


@EVERY_STEP
@EVERY_STATUS
def test_a_card_says_which_step_it_is_and_how_it_stands(kind: str, status: StepStatus) -> None:
    said = card(kind, status)

    assert said.title and said.title.startswith(f"{a_step(kind).number}. {a_step(kind).title}: ")
    assert said.notification.endswith(".")


@EVERY_STEP
@EVERY_STATUS
def test_no_card_shouts(kind: str, status: StepStatus) -> None:
    said = card(kind, status, decision="approved", decided_by="U-APP", decided_at=NOON, failures=[a_failure("x", "y")])

    assert "!" not in words(said)


@pytest.mark.parametrize("incident_status", list(IncidentStatus))
def test_the_board_does_not_shout(incident_status: IncidentStatus) -> None:
    incident = an_incident(status=incident_status, requester_id="U-OTHER", troubles={"poll": "Mailgun does not answer"})
    board = a_board(incident=incident, handovers=[a_handover(), a_handover(HandoverStatus.EXPIRED)])

    assert "!" not in words(board_card(board))


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (StepStatus.WAITING, {"Approve", "Skip, with a reason"}),
        (StepStatus.RUNNING, set()),
        (StepStatus.NEEDS_ATTENTION, {"Retry what failed", "Skip, with a reason"}),
        (StepStatus.DONE, set()),
        (StepStatus.SKIPPED, {"Approve"}),
        (StepStatus.CANCELLED, set()),
    ],
)
@pytest.mark.parametrize("kind", ["api_keys", "smtp_credentials", "passwords", "two_factor"])
def test_a_card_has_the_buttons_that_its_status_allows(kind: str, status: StepStatus, expected: set[str]) -> None:
    assert set(labels(card(kind, status))) == expected


@pytest.mark.parametrize("kind", ["api_keys", "smtp_credentials"])
def test_a_destructive_step_asks_before_it_is_approved(kind: str) -> None:
    (approve,) = [button for button in card(kind).buttons if button.action == Ask.APPROVE]

    assert approve.confirm and len(approve.confirm.text) <= 300


def test_every_button_carries_the_version_it_was_drawn_with() -> None:
    assert {button.about["version"] for button in card("api_keys", version=4).buttons} == {"4"}


def test_a_cancelled_incident_has_no_buttons() -> None:
    assert not card("note", incident=an_incident(status=IncidentStatus.CANCELLED)).buttons


def test_step_1_counts_what_it_touches() -> None:
    inventory = an_inventory(
        keys=[a_key("1"), a_key("2"), a_key("3", KeyKind.DOMAIN), *(a_key(f"w{n}", KeyKind.WEB) for n in range(4))]
    )
    said = words(card("api_keys", facts=a_step("api_keys").count(inventory, an_incident())))

    assert "2 account keys" in said and "1 domain sending key" in said and "4 control panel sessions" in said
    assert "U-REQ" in said


def test_step_2_counts_by_region() -> None:
    inventory = an_inventory(
        domains=[a_domain("a"), a_domain("b"), a_domain("c", "eu")],
        logins=[Login("us", "a", "x"), Login("us", "a", "y"), Login("eu", "c", "z")],
    )
    said = words(card("smtp_credentials", facts=a_step("smtp_credentials").count(inventory, an_incident())))

    assert "3 SMTP logins" in said and "EU: 1 login of 1 domain" in said and "US: 2 logins of 2 domains" in said


def test_step_4_counts_who_lacks_it_and_who_signs_in_elsewhere() -> None:
    inventory = an_inventory(
        users=[
            a_user("a"),
            a_user("b", tfa_active=True),
            a_user("c", sign_in=SignIn.SINCH),
            a_user("d", is_disabled=True),
        ]
    )

    assert a_step("two_factor").count(inventory, an_incident()) == {"users": 3, "without": 1, "elsewhere": 1}


def test_progress_counts_this_round_and_leaves_out_what_was_dropped() -> None:
    tally = {SET: {T.DONE: 12, T.READY: 3, T.DROPPED: 1}}
    said = words(card("smtp_credentials", StepStatus.RUNNING, tally=tally, facts={"earlier": {SET: {"done": 10}}}))

    assert "2 of 5 passwords" in said


def test_failures_are_named_with_their_reasons() -> None:
    failures = [a_failure("us/d/a@d", "Mailgun said no"), a_failure("us/d/b@d", "it timed out")]
    said = words(card("smtp_credentials", StepStatus.NEEDS_ATTENTION, failures=failures))

    assert "us/d/a@d: Mailgun said no" in said and "us/d/b@d: it timed out" in said


def test_of_many_failures_the_rest_is_counted() -> None:
    failures = [a_failure(f"login-{n}", "no") for n in range(1_040)]
    said = words(card("smtp_credentials", StepStatus.NEEDS_ATTENTION, failures=failures))

    assert "and 1,015 more" in said


def test_a_decision_is_shown_with_who_when_and_why() -> None:
    said = words(
        card("api_keys", StepStatus.SKIPPED, decision="skipped", decided_by="U-APP", decided_at=NOON, reason="no keys")
    )

    assert "Skipped by U-APP at 2026-11-24 12:00 UTC: no keys" in said


@EVERY_STATUS
@pytest.mark.parametrize("kind", ["passwords", "two_factor"])
def test_no_card_and_no_board_names_a_person(kind: str, status: StepStatus) -> None:
    view = a_view(kind, status, obligations=some_people())
    said = words(step_card(a_step(kind), view)) + words(board_card(a_board(view)))

    for name in ("ann", "sid", "bob"):
        assert f"{name}@" not in said and f"U-{name.upper()}" not in said and name.capitalize() not in said


def test_a_card_counts_its_people() -> None:
    view = a_view("two_factor", StepStatus.RUNNING, obligations=some_people())

    assert "███░░░░░░░ 1 of 3 people done, 1 of the others to be confirmed" in words(
        step_card(a_step("two_factor"), view)
    )
    assert "2 people still to do their part" in words(board_card(a_board(view)))


def test_the_board_shows_every_step_and_the_note() -> None:
    said = words(board_card(a_board()))

    assert all(f"{step.number}. {step.title}" in said for step in STEPS)


def test_the_board_names_handovers_to_be_saved_and_lost_ones() -> None:
    said = words(board_card(a_board(handovers=[a_handover(number=1), a_handover(HandoverStatus.EXPIRED, number=2)])))

    assert "1 handover to be saved by the recipient: 1" in said
    assert "handover 2" in said


def test_the_list_for_approvers_offers_confirmed_beside_those_for_whom_somebody_must_vouch() -> None:
    obligations, people = zip(*some_people(), strict=True)
    said = people_card(STEPS, an_incident(), people, obligations, Policy().reminders)
    buttons = {words(Card("", lines=(row.line,))).strip()[:3]: len(row.controls) for row in said.rows}

    assert buttons == {"Ann": 2, "Sid": 3, "Bob": 0}


@pytest.mark.parametrize("status", list(ObligationStatus))
@pytest.mark.parametrize("sign_in", list(SignIn))
@pytest.mark.parametrize("kind", ["passwords", "two_factor"])
def test_no_message_to_a_person_shouts(kind: str, sign_in: SignIn, status: ObligationStatus) -> None:
    talk = Conversation(an_incident(), a_person(sign_in=str(sign_in)), [an_obligation(kind, status)])

    assert "!" not in words(person_card(STEPS, talk))


def test_a_report_says_who_reports_and_offers_to_start() -> None:
    said = report_card("U-STRANGER", 5, "odd bounces")

    assert "U-STRANGER" in words(said) and "odd bounces" in words(said)
    assert [(button.label, button.about) for button in said.buttons] == [("Start", {"request": "5"})]


def test_help_does_not_shout() -> None:
    assert "!" not in words(help_card())


# --- Handovers ------------------------------------------------------------------------------------------

ITEMS = [
    ("a.example (US)", "x", Secret("s1")),
    ("b.example (US)", "y", Secret("s2")),
    ("a.example (US)", "z", Secret("s3")),
]


def test_a_handover_groups_its_secrets_by_heading() -> None:
    message = secrets_message(4, "SMTP password", ITEMS, [])

    assert [(g.heading, [i.label for i in g.items]) for g in message.groups] == [
        ("a.example (US)", ["x", "z"]),
        ("b.example (US)", ["y"]),
    ]


def test_a_handover_says_how_many_it_carries_and_its_number() -> None:
    assert secrets_message(4, "SMTP password", ITEMS, []).title == "Handover 4: 3 new SMTP passwords"


def test_a_handovers_notification_has_no_secret() -> None:
    notification = secrets_message(4, "SMTP password", ITEMS, []).notification

    assert not any(secret in notification for secret in ("s1", "s2", "s3"))


def test_a_handover_names_what_it_replaces() -> None:
    assert "replace handover 1, 2" in words(secrets_message(4, "SMTP password", ITEMS, [1, 2]))
    assert "replace" not in words(secrets_message(4, "SMTP password", ITEMS, []))


@pytest.mark.parametrize("status", [HandoverStatus.SAVED, HandoverStatus.EXPIRED, HandoverStatus.DOUBTFUL])
def test_a_stub_says_how_many_there_were_and_when(status: HandoverStatus) -> None:
    said = words(stub_card(a_handover(status, ended_by="U-REQ", ended_at=NOON + DAY)))

    assert "Handover 3 carried 2 SMTP passwords" in said and "2026-11-24 12:00" in said


def test_an_expired_handover_lists_what_was_not_saved() -> None:
    said = controls_card(a_handover(HandoverStatus.EXPIRED))

    assert all(subject in words(said) for subject in a_handover().subjects)
    assert labels(said) == ["Issue anew"]


@pytest.mark.parametrize("status", list(HandoverStatus))
def test_no_handover_shouts(status: HandoverStatus) -> None:
    said = words(controls_card(a_handover(status))) + words(stub_card(a_handover(status)))

    assert "!" not in said + words(greeting(an_incident())) + words(secrets_message(4, "API key", ITEMS, [1]))
