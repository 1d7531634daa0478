"""One request on the desk: what it asks for, and the ways in which it can end."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from recovery.access import Access, Right
from recovery.actions import ABOUT_PEOPLE, Ask
from recovery.answers import plain_card
from recovery.content import Card
from recovery.decisions import By
from recovery.jobs import Job, TaskKind
from recovery.state import Incident, Request
from recovery.store import Transaction
from recovery.text import Code, Line, line, plain

NO_INCIDENT = line("There is no incident. ", Code("/mailgun-compromised"), " opens one.")
OLD_BUTTON = line("That button belongs to an incident that has ended. Nothing was changed.")


@dataclass(frozen=True)
class Sheet:
    """What a request comes to, once its text was parsed: the ask, what it is about, the words with it."""

    job: Job
    request: Request
    ask: Ask
    about: Mapping[str, str]
    text: str
    access: Access
    kinds: Mapping[str, TaskKind]

    @property
    def by(self) -> By:
        """Who asks, when, with the version of their button."""
        version = self.about.get("version", "")
        return By(self.request.user_id, self.job.tools.clock.now(), int(version) if version.isdigit() else None)

    def refusal(self, right: Right) -> str | None:
        """Why the sender may not; None when they may. Raises `OutsideError` when Slack cannot be asked."""
        self.job.hold()
        return self.access.refusal(self.request.user_id, right)


def close(job: Job, request: Request, card: Card) -> None:
    """Write down what came of a request that changed nothing."""
    with job.record() as tx:
        tx.requests.close(request.id, plain(card.lines[0]) if card.lines else card.notification)


Decide = Callable[[Transaction, Incident], Line]


def decide(sheet: Sheet, act: Decide, *, ended_too: bool = False) -> Card | None:
    """Run a decision in one transaction, with the request's outcome in it.

    A button of an incident that has ended, and an ask when there is none, change nothing and say so.
    """
    tools = sheet.job.tools
    with sheet.job.record() as tx:
        incident, problem = incident_of(tx, sheet, ended_too=ended_too)
        if incident is not None:
            # As it is once nobody else is at it: it may have been cancelled while this waited.
            tx.incidents.get(incident.id, lock=True)
            incident, problem = incident_of(tx, sheet, ended_too=ended_too)
        said = problem if incident is None else act(tx, incident)
        tx.requests.close(sheet.request.id, plain(said))
    tools.wake()
    return plain_card(said)


def incident_of(tx: Transaction, sheet: Sheet, *, ended_too: bool) -> tuple[Incident | None, Line]:
    """The incident that the request is about; or None, and why."""
    named, handover = sheet.about.get("incident"), sheet.about.get("handover", "")
    if handover.isdigit():
        # A handover is looked after for as long as it is there, whatever came after its incident.
        return tx.incidents.get(tx.handovers.get(int(handover)).incident_id), ()
    meant, other = tx.incidents.latest, tx.incidents.current
    if sheet.ask in ABOUT_PEOPLE:
        meant, other = other, meant
    incident = meant()
    if incident is None:
        return None, NO_INCIDENT
    if named not in (None, str(incident.id)):
        incident = other()
        if incident is None or named != str(incident.id):
            return None, OLD_BUTTON
    alive = incident.is_alive
    if not alive and not ended_too:
        return None, OLD_BUTTON if named else NO_INCIDENT
    return incident, ()


def refuse(sheet: Sheet, why: str) -> Card:
    """A polite, private no."""
    card = plain_card(line(why, " Nothing was changed."))
    close(sheet.job, sheet.request, card)
    return card


def decides(
    act: Callable[[Sheet, Transaction, Incident], Line], *, ended_too: bool = False
) -> Callable[[Sheet], Card | None]:
    """A handler for what only an approver may decide."""

    def handler(sheet: Sheet) -> Card | None:
        why = sheet.refusal(Right.DECIDE)
        if why:
            return refuse(sheet, why)
        return decide(sheet, lambda tx, incident: act(sheet, tx, incident), ended_too=ended_too)

    return handler
