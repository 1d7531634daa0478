"""Asking nothing more of the people: a step is skipped, an incident ends, or its people go to another. And asking
again, where that is taken back."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from recovery.people import by_person, dropped, plan_redraw
from recovery.state import Incident, Obligation, ObligationStatus, Person, StepState
from recovery.store import Transaction
from recovery.strays import strays_task
from recovery.weighing import scheduled


def ask_nothing_more(tx: Transaction, incident: Incident, at: datetime, step_id: int | None = None) -> None:
    """What is left is dropped, in one step or in all: nobody is asked for it any more, and their messages say so."""
    obligations = tx.people.obligations(incident.id)
    left = [one for one in obligations if one.is_open and step_id in (None, one.step_id)]
    let_go = {one.id: dropped(one, at) for one in left}
    tx.people.save_obligations(list(let_go.values()))
    theirs, touched = by_person([let_go.get(one.id, one) for one in obligations]), {one.person_id for one in left}
    people = [scheduled(p, theirs[p.id], at) for p in tx.people.of(incident.id) if p.id in touched]
    tx.people.save(people)
    plan_redraw(tx, *people)
    if incident.strays_ts is not None:
        tx.tasks.add([strays_task(incident)])


def ask_again(tx: Transaction, incident: Incident, ended_at: datetime, meanwhile: Sequence[Person]) -> None:
    """What was dropped when the incident ended, at that moment, is asked for again. `meanwhile` are the people of the
    incident that had taken over: nobody is reminded sooner than they were promised there."""
    obligations = tx.people.obligations(incident.id)
    again = [
        replace(one, status=ObligationStatus.OPEN, version=one.version + 1, settled_at=None)
        for one in obligations
        if one.status is ObligationStatus.DROPPED and one.settled_at == ended_at
    ]
    tx.people.save_obligations(again)
    theirs, promised = by_person(again), _promised(meanwhile)
    people = [
        scheduled(_left_alone_until(person, promised.get(person.mailgun_id)), theirs[person.id], ended_at)
        for person in tx.people.of(incident.id)
        if person.id in theirs
    ]
    tx.people.save(people)
    plan_redraw(tx, *people)
    if incident.strays_ts is not None:
        tx.tasks.add([strays_task(incident)])


def ask_those_known(tx: Transaction, incident: Incident, state: StepState, at: datetime) -> None:
    """Ask everybody who is known from another step for this one, too, without asking Mailgun whether it is done."""
    asked = {one.person_id for one in tx.people.obligations(incident.id, state.id)}
    people = [person for person in tx.people.of(incident.id) if person.left_at is None and person.id not in asked]
    tx.people.oblige(
        [Obligation(0, incident.id, state.id, person.id, state.kind, ObligationStatus.OPEN) for person in people]
    )
    theirs = by_person(tx.people.obligations(incident.id))
    people = [scheduled(person, theirs[person.id], at) for person in people]
    tx.people.save(people)
    plan_redraw(tx, *people)


def _promised(people: Sequence[Person]) -> Mapping[str, datetime]:
    return {person.mailgun_id: person.quiet_until for person in people if person.quiet_until is not None}


def _left_alone_until(person: Person, until: datetime | None) -> Person:
    if until is None or (person.quiet_until is not None and person.quiet_until >= until):
        return person
    return replace(person, quiet_until=until)
