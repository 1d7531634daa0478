"""What Mailgun no longer lists although a further round was to deal with it: nobody is asked for it again and again."""

from collections.abc import Set

from recovery.audit import Action, Actor, AuditFacts
from recovery.jobs import Job
from recovery.state import Facts, Json, StepState, as_strings
from recovery.store import Transaction

_GONE = "gone"


def gone(state: StepState) -> set[str]:
    """The subjects that were not there any more when a round of this step looked for them."""
    return set(as_strings(state.facts.get(_GONE)))


def note_gone(tx: Transaction, job: Job, state: StepState, missing: Set[str], listed: Set[str], what: str) -> Facts:
    """Write down, and into the trail, that these are gone; what is listed is there again. The step's facts since.

    `what` is how people call one of them: “this login”.
    """
    known = gone(state)
    now: list[Json] = [*sorted((known | missing) - listed)]
    facts: Facts = {**state.facts, _GONE: now}
    if set(map(str, now)) != known:
        tx.steps.set(state.id, facts=facts)
    for subject in sorted(missing - known):
        entry = AuditFacts(Actor.BOT, Action.FAILED, subject, f"Mailgun no longer has {what}")
        tx.audit.append(state.incident_id, job.tools.clock.now(), entry)
    return facts
