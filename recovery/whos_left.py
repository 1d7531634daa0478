"""The list of who is left, for approvers: with the button beside those for whom they vouch."""

from collections.abc import Sequence

from recovery.account import SignIn
from recovery.actions import Ask
from recovery.content import Button, Card, Row
from recovery.people import needs_voucher, sign_in_name, step_of
from recovery.state import Incident, Obligation, Person
from recovery.step import Step
from recovery.text import Bold, Code, Line, Who, count, line


def people_card(
    steps: Sequence[Step],
    incident: Incident,
    rows: Sequence[tuple[Obligation, Person]],
    only: str | None = None,
) -> Card:
    """Who is left, with Confirmed beside those for whom an approver vouches. For approvers' eyes only."""
    listed: list[Row] = []
    for obligation, person in rows:
        if not obligation.is_open or (only and obligation.kind != only):
            continue
        step = step_of(steps, obligation)
        reached: Line = (Who(person.slack_id),) if person.slack_id else ("not reached in Slack",)
        way = sign_in_name(person)
        shown = f", signs in through {way}" if way else ", Mailgun does not show how they sign in"
        sign_in = "" if person.sign_in == SignIn.PASSWORD else shown
        owner = ", account owner" if person.is_master else ""
        about = {"obligation": str(obligation.id), "version": str(obligation.version)}
        button = Button(Ask.CONFIRM, "Confirmed", about) if needs_voucher(person) else None
        text = line(
            Bold(person.name or person.email),
            " (",
            Code(person.email),
            f"{owner}{sign_in}; ",
            *reached,
            f"): has to {step.verb}, {count(obligation.reminders, 'reminder')} so far",
        )
        listed.append(Row(text, button))
    if not listed:
        return Card(notification="Nobody is left.", lines=(line("Nobody is left: everyone has done their part."),))
    return Card(
        notification="Who is left",
        title="Who is left",
        lines=(line("Confirmed means: you made sure yourself. Your name is recorded with it."),),
        rows=tuple(listed),
    )
