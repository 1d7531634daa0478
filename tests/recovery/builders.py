"""What the specifications are made of: each builder gives an ordinary thing, and takes what is special about it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from recovery.account import AccountUser, ApiKey, Domain, Inventory, KeyKind, Login, SignIn
from recovery.audit import Action, AuditEntry, AuditFacts, chained
from recovery.board import Board
from recovery.ports import Member
from recovery.state import (
    Handover,
    HandoverStatus,
    Incident,
    IncidentStatus,
    Obligation,
    ObligationStatus,
    Person,
    Standing,
    StepState,
    StepStatus,
    Task,
    TaskStatus,
)
from recovery.step import Step
from recovery.step_view import StepView
from recovery.steps import STEPS

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def a_member(user_id: str = "U-REQ", **fields: Any) -> Member:
    ordinary = {
        "id": user_id,
        "team_id": "T-HOME",
        "name": user_id.removeprefix("U-").lower(),
        "email": f"{user_id.removeprefix('U-').lower()}@acme.example",
        "tz": "Europe/Berlin",
        "is_active": True,
        "is_bot": False,
        "is_full": True,
        "is_admin": False,
    }
    return Member(**{**ordinary, **fields})


def a_key(key_id: str = "key-1", kind: KeyKind = KeyKind.USER, **fields: Any) -> ApiKey:
    ordinary = {
        "id": key_id,
        "kind": kind,
        "role": "admin" if kind is KeyKind.USER else "sending" if kind is KeyKind.DOMAIN else "basic",
        "description": f"what {key_id} is for",
        "created_at": NOON - 100 * DAY,
        "domain_name": "mg.acme.example" if kind is KeyKind.DOMAIN else None,
    }
    return ApiKey(**{**ordinary, **fields})


def a_domain(name: str = "mg.acme.example", region: str = "us", **fields: Any) -> Domain:
    ordinary = {"region": region, "name": name, "smtp_login": f"postmaster@{name}", "is_disabled": False}
    return Domain(**{**ordinary, **fields})


def a_user(name: str = "ann", **fields: Any) -> AccountUser:
    ordinary = {
        "id": f"mailgun-{name}",
        "email": f"{name}@acme.example",
        "name": name.capitalize(),
        "role": "basic",
        "sign_in": SignIn.PASSWORD,
        "is_master": False,
        "is_disabled": False,
        "activated": True,
        "tfa_active": False,
        "tfa_created_at": None,
        "password_updated_at": None,
    }
    return AccountUser(**{**ordinary, **fields})


def an_inventory(
    keys: Sequence[ApiKey] = (),
    domains: Sequence[Domain] = (),
    logins: Sequence[Login] = (),
    users: Sequence[AccountUser] = (),
) -> Inventory:
    return Inventory(tuple(keys), tuple(domains), tuple(logins), tuple(users))


def an_incident(**fields: Any) -> Incident:
    ordinary = {
        "id": 7,
        "status": IncidentStatus.OPEN,
        "team_id": "T-HOME",
        "channel_id": "C-OPS",
        "opened_by": "U-REQ",
        "requester_id": "U-REQ",
        "description": "spam from our domains",
        "opened_at": NOON,
        "since": NOON,
    }
    return Incident(**{**ordinary, **fields})


def a_step(kind: str) -> Step:
    return next(step for step in STEPS if step.kind == kind)


def a_state(kind: str = "api_keys", status: StepStatus = StepStatus.WAITING, **fields: Any) -> StepState:
    number = a_step(kind).number
    ordinary = {"id": number, "incident_id": 7, "kind": kind, "number": number, "status": status, "version": 1}
    return StepState(**{**ordinary, **fields})


def a_failure(subject: str, reason: str, **fields: Any) -> Task:
    ordinary = {
        "id": 1,
        "kind": "smtp_credentials.set",
        "key": subject,
        "status": TaskStatus.FAILED,
        "incident_id": 7,
        "step_id": 2,
        "subject": subject,
        "lane": None,
        "priority": 5,
        "payload": {},
        "attempts": 1,
        "not_before": NOON,
        "failure": reason,
    }
    return Task(**{**ordinary, **fields})


def a_person(name: str = "ann", **fields: Any) -> Person:
    ordinary = {
        "id": 1,
        "incident_id": 7,
        "mailgun_id": f"mailgun-{name}",
        "email": f"{name}@acme.example",
        "name": name.capitalize(),
        "role": "basic",
        "is_master": False,
        "sign_in": str(SignIn.PASSWORD),
        "slack_id": f"U-{name.upper()}",
        "slack_tz": "Europe/Berlin",
        "channel_id": f"D-U-{name.upper()}",
        "reached_at": NOON + HOUR,
        "standing": Standing.FOUND,
        "message_ts": "1000.1",
    }
    return Person(**{**ordinary, **fields})


def an_obligation(
    kind: str = "two_factor", status: ObligationStatus = ObligationStatus.OPEN, **fields: Any
) -> Obligation:
    ordinary = {"id": 1, "incident_id": 7, "step_id": a_step(kind).number, "person_id": 1, "kind": kind}
    return Obligation(**{**ordinary, "status": status, **fields})


def a_handover(status: HandoverStatus = HandoverStatus.SENT, **fields: Any) -> Handover:
    ordinary = {
        "id": 31,
        "incident_id": 7,
        "step_id": 2,
        "number": 3,
        "recipient_id": "U-REQ",
        "channel_id": "D-U-REQ",
        "status": status,
        "what": "SMTP password",
        "subjects": ("us/mg.acme.example/a@mg.acme.example", "us/mg.acme.example/b@mg.acme.example"),
        "sent_at": NOON,
        "expires_at": NOON + DAY,
    }
    return Handover(**{**ordinary, **fields})


def a_view(
    kind: str = "api_keys",
    status: StepStatus = StepStatus.WAITING,
    incident: Incident | None = None,
    tally: Mapping[str, Mapping[TaskStatus, int]] | None = None,
    failures: Sequence[Task] = (),
    obligations: Sequence[tuple[Obligation, Person]] = (),
    **state: Any,
) -> StepView:
    return StepView(incident or an_incident(), a_state(kind, status, **state), tally or {}, failures, obligations)


def a_board(*views: StepView, incident: Incident | None = None, handovers: Sequence[Handover] = ()) -> Board:
    named = {view.state.kind: view for view in views}
    all_views = [(step, named.get(step.kind) or a_view(step.kind)) for step in STEPS]
    return Board(incident or an_incident(), all_views, handovers)


def entries(*facts: AuditFacts) -> list[AuditEntry]:
    """A trail of these facts."""
    trail: list[AuditEntry] = []
    for number, each in enumerate(facts, start=1):
        trail.append(chained(7, number, NOON, each, trail[-1].hash if trail else "0" * 64))
    return trail


def facts(action: Action, subject: str = "", **fields: Any) -> AuditFacts:
    return AuditFacts(**{"actor": "bot", "action": action, "subject": subject, **fields})
