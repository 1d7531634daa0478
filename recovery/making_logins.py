"""SMTP logins that were deleted and are made anew: with another password, which is handed over like any other.

Such a login is listed only once it is made. Until then a round that begins finds it in its own payload, or among the
tasks of an earlier one.
"""

from collections.abc import Set

from recovery.account import Login
from recovery.errors import KeyRefused, NotFound, Refused
from recovery.jobs import Job
from recovery.owners import owner_facts, owner_in
from recovery.ports import Mailgun
from recovery.secret import Secret
from recovery.state import Facts, Json, StepState, Task, TaskStatus
from recovery.store import Transaction

MAKE = "make"
"""In the payload of a beginning: the logins to be made, by subject, each with whose it is."""

_CREATE = "create"
_REST_IS_LEFT = "rest_is_left"


def payload_of(login: Login, *, create: bool = False) -> dict[str, Json]:
    """What the task about a login must know beside its subject."""
    return {**owner_facts(login.owner), **({_CREATE: True} if create else {})}


def login_of(task: Task) -> Login:
    """The login that a task is about, with whose it is."""
    named = Login.from_subject(task.subject)
    return Login(named.region, named.domain, named.login, owner=owner_in(task.payload))


def is_to_be_made(task: Task) -> bool:
    """Whether the task makes a login that was deleted."""
    return bool(task.payload.get(_CREATE))


def make_order(login: Login) -> dict[str, Json]:
    """The part of a beginning's payload that has this login made."""
    return {MAKE: {login.subject: payload_of(login, create=True)}}


def to_be_made(
    tx: Transaction, begin: Task, kind: str, wanted: Set[str] | None, listed: Set[str]
) -> dict[str, dict[str, Json]]:
    """The logins that are not listed and that a round is to make all the same, with their tasks' payloads.

    `wanted` is what the round is about, None where that is everything. One that was made before, and is not listed
    now, is not made a second time unless that was ordered: its password is set, which tells whether it is there.
    """
    found: dict[str, Facts] = {}
    if wanted is None or wanted - listed:
        for task in tx.tasks.of_step(begin.step_id or 0, kind=kind):
            is_asked_for = task.status is TaskStatus.FAILED if wanted is None else task.subject in wanted
            if is_to_be_made(task) and is_asked_for and task.subject not in listed:
                found[task.subject] = {**task.payload, _CREATE: task.status is not TaskStatus.DONE}
    orders = begin.payload.get(MAKE)
    for subject, payload in orders.items() if isinstance(orders, dict) else ():
        if subject not in listed and isinstance(payload, dict):
            found[subject] = payload
    return {
        subject: {**owner_facts(owner_in(payload)), _CREATE: payload[_CREATE]} for subject, payload in found.items()
    }


def create_unless_there(job: Job, mailgun: Mailgun, login: Login, password: Secret) -> None:
    """Make the login with that password. One that is there already, which an uncertain answer or a crash may have left
    behind, gets the password.

    Raises what Mailgun answers; `NotFound` where the login's domain is gone.
    """
    try:
        mailgun.create_login(login, password)
    except (KeyRefused, NotFound):
        raise
    except Refused as refusal:
        job.hold()
        try:
            mailgun.set_password(login, password)
        except NotFound:
            # It is not there: Mailgun refuses to make it for another reason.
            raise refusal from None


# --- A step that was skipped, and runs for such a login alone ---------------------------------------------


def leave_the_rest(tx: Transaction, state: StepState) -> None:
    """The step was skipped before it ever ran: that all else stays as it is was decided, and still counts."""
    tx.steps.set(state.id, facts={**state.facts, _REST_IS_LEFT: True})


def rest_is_left(state: StepState) -> bool:
    """Whether nothing but what was made anew is of concern to the step."""
    return bool(state.facts.get(_REST_IS_LEFT))


def take_up_the_rest(tx: Transaction, state: StepState) -> None:
    """The step runs for everything after all."""
    if rest_is_left(state):
        tx.steps.set(state.id, facts={name: value for name, value in state.facts.items() if name != _REST_IS_LEFT})
