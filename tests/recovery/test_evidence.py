"""What Mailgun's answer counts for: whose change it was, and when."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from recovery.account import SignIn
from recovery.people import Evidence, PeopleStep, is_doubtful, judge, may_be_confirmed
from recovery.state import ObligationStatus, Standing
from tests.recovery.builders import HOUR, NOON, a_person, a_step, a_user, an_incident, an_obligation

INCIDENT = an_incident(since=NOON)
SECOND = timedelta(seconds=1)


def people_step(kind: str) -> PeopleStep:
    step = a_step(kind)
    assert isinstance(step, PeopleStep)
    return step


def judged(kind: str, person: object = None, **user: Any) -> Evidence:
    who = person or a_person()
    return judge(people_step(kind), who, a_user(**user), INCIDENT)


@pytest.mark.parametrize(("at", "met"), [(None, False), (NOON - SECOND, False), (NOON, False), (NOON + SECOND, True)])
def test_a_password_reset_counts_if_mailgun_dates_it_after_the_incident(at: datetime | None, met: bool) -> None:
    assert judged("passwords", password_updated_at=at).met is met


def test_two_factor_counts_if_mailgun_shows_it() -> None:
    assert judged("two_factor", tfa_active=True, tfa_created_at=NOON - HOUR).met
    assert not judged("two_factor", tfa_active=False).met


@pytest.mark.parametrize("sign_in", [SignIn.SINCH, SignIn.SAML, SignIn.UNKNOWN])
@pytest.mark.parametrize("kind", ["passwords", "two_factor"])
def test_mailgun_cannot_show_it_for_whoever_signs_in_elsewhere(kind: str, sign_in: SignIn) -> None:
    person = a_person(sign_in=str(sign_in))

    assert not judged(kind, person, tfa_active=True, password_updated_at=NOON + HOUR).met
    assert may_be_confirmed(an_obligation(kind), person)


def test_what_mailgun_denies_of_somebody_who_is_not_in_slack_nobody_confirms() -> None:
    assert not may_be_confirmed(an_obligation(), a_person(slack_id=None))


def test_a_change_whose_owner_nobody_can_ask_may_be_confirmed() -> None:
    changed = an_obligation(status=ObligationStatus.QUESTIONED)

    assert may_be_confirmed(changed, a_person(slack_id=None))
    assert not may_be_confirmed(changed, a_person())
    assert not may_be_confirmed(changed, a_person(slack_id=None, standing=Standing.UNKNOWN))


def test_what_is_settled_is_not_confirmed_again() -> None:
    assert not may_be_confirmed(an_obligation(status=ObligationStatus.DONE), a_person(sign_in=str(SignIn.SAML)))


@pytest.mark.parametrize(
    ("at", "doubtful"),
    [
        (NOON - SECOND, False),
        (NOON, True),
        (NOON + HOUR - SECOND, True),
        (NOON + HOUR, False),
        (NOON + 2 * HOUR, False),
    ],
)
def test_a_change_between_the_incident_and_the_first_message_may_be_the_attackers(at: datetime, doubtful: bool) -> None:
    person = a_person(reached_at=NOON + HOUR)

    assert is_doubtful(Evidence(True, at), INCIDENT, person) is doubtful


def test_while_its_owner_was_not_reached_every_change_in_the_incident_is_doubtful() -> None:
    assert is_doubtful(Evidence(True, NOON + 9 * HOUR), INCIDENT, a_person(reached_at=None))


def test_what_is_not_there_cannot_be_doubted() -> None:
    assert not is_doubtful(Evidence(False, NOON + SECOND), INCIDENT, a_person(reached_at=None))
