"""Databases as they are late in a long recovery. They are filled in bulk: a bot would need hours to get there."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import create_engine, insert

from drill.slack.workspaces import INCIDENT, TEAM
from recovery.account import SignIn
from recovery.audit import ENTRIES_A_MESSAGE, Action, Actor, AuditFacts
from recovery.opening import first_status
from recovery.setting_passwords import SET
from recovery.state import (
    Incident,
    IncidentStatus,
    Obligation,
    ObligationStatus,
    Person,
    Standing,
    StepState,
    StepStatus,
    TaskStatus,
)
from recovery.step import Step
from recovery.steps import STEPS
from recovery.thread import POST_AUDIT, THREAD
from storage.database import Database
from storage.schema import TaskRow
from storage.urls import parsed

DAY = timedelta(days=1)


class Filling:
    """Fills a database, whose tables are current, with one incident in which people are asked (steps 3 and 4), and with
    what belongs to it.

    Nothing in it is due for a day: a bot that starts on it, or is run on it part by part, finds nothing to do.
    """

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._now = datetime.now(UTC)
        with Database.open(self._url) as database, database.write() as tx:
            incident = tx.incidents.add(_incident(self._now))
            if incident is None:
                raise RuntimeError("there is an incident already")
            self.incident = incident
            for step in STEPS:
                state = tx.steps.add(incident.id, step.kind, step.number, _status(step))
                if step.asks_people:
                    approval = {"decision": "approve", "decided_by": "UPRIYA", "decided_at": self._now}
                    tx.steps.move(state, [StepStatus.WAITING], StepStatus.RUNNING, **approval)
            self._steps = {state.kind: state for state in tx.steps.of(incident.id)}

    def add_people(self, many: int) -> None:
        """So many people, all of whom were written to and have everything left to do."""
        asking = [self._steps[step.kind] for step in STEPS if step.asks_people]
        with Database.open(self._url) as database, database.write() as tx:
            tx.people.add([self._person(number) for number in range(many)])
            people = tx.people.of(self.incident.id)
            tx.people.oblige([self._obligation(person, state) for person in people for state in asking])

    def add_passwords(self, many: int) -> None:
        """So many tasks that are finished: each has set an SMTP password."""
        step = self._steps["smtp_credentials"]
        logins = [f"us/mg.example.com/login{number}@mg.example.com" for number in range(many)]
        self._insert(
            [
                self._finished(SET, f"{SET}:{login}", step_id=step.id, subject=login, payload={"login": login})
                for login in logins
            ]
        )

    def add_trail(self, many: int) -> None:
        """So many audit entries, all of which were posted, twenty in a message, by a task for each."""
        said = [AuditFacts(Actor.BOT, Action.HANDED_OVER, f"handover {number}", "") for number in range(many)]
        with Database.open(self._url) as database, database.write() as tx:
            tx.audit.append_all(self.incident.id, self._now, said)
            tx.incidents.mark_drawn(self.incident.id, audit_posted=many)
        key = f"{POST_AUDIT}:{self.incident.id}:{THREAD}"
        messages = [
            {"where": THREAD, "after": after, "upto": min(after + ENTRIES_A_MESSAGE, many)}
            for after in range(0, many, ENTRIES_A_MESSAGE)
        ]
        self._insert([self._finished(POST_AUDIT, key, payload=message) for message in messages])

    def _person(self, number: int) -> Person:
        return Person(
            id=0,
            incident_id=self.incident.id,
            mailgun_id=f"user-{number}",
            email=f"user{number}@example.com",
            name=f"User {number}",
            role="basic",
            is_master=False,
            sign_in=SignIn.PASSWORD,
            slack_id=f"U{number}",
            slack_tz="Etc/UTC",
            channel_id=f"D{number}",
            reached_at=self._now,
            standing=Standing.FOUND,
            message_ts="1700000000.000001",
            next_message_at=self._now + DAY,
            quiet_until=self._now + DAY,
        )

    def _obligation(self, person: Person, state: StepState) -> Obligation:
        return Obligation(
            id=0,
            incident_id=self.incident.id,
            step_id=state.id,
            person_id=person.id,
            kind=state.kind,
            status=ObligationStatus.OPEN,
            told_at=self._now,
        )

    def _finished(self, kind: str, key: str, **fields: object) -> dict[str, Any]:
        return {
            "kind": kind,
            "key": key,
            "status": TaskStatus.DONE,
            "incident_id": self.incident.id,
            "subject": "",
            "priority": 5,
            "attempts": 1,
            "not_before": self._now,
            "finished_at": self._now,
            **fields,
        }

    def _insert(self, tasks: Sequence[dict[str, Any]]) -> None:
        # By the table: what recovery plans is never finished already.
        engine = create_engine(parsed(self._url))
        with engine.begin() as connection:
            connection.execute(insert(TaskRow), tasks)
        engine.dispose()


def _incident(now: datetime) -> Incident:
    return Incident(
        id=0,
        status=IncidentStatus.OPEN,
        team_id=TEAM,
        channel_id=INCIDENT,
        opened_by="UOLIVIA",
        requester_id="UOLIVIA",
        description="spam is leaving",
        opened_at=now,
        since=now,
        next_poll_at=now + DAY,
    )


def _status(step: Step) -> StepStatus:
    """Where it begins; the look through the account, which begins by itself, is over."""
    return StepStatus.DONE if step.begins_at_once else first_status(step)
