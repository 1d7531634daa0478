"""The desk: takes each stored request, asks whether this person may, decides, and answers.

No click is dropped: each ends in an effect or in a private answer. Who may is asked outside any
transaction; the decision is one transaction, with the request's outcome in it; the answer follows.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from recovery.access import Access
from recovery.actions import Ask
from recovery.answers import plain_card
from recovery.asks import ASKS
from recovery.checking import CHECKED, MOST_PATIENCE, WAITING
from recovery.commands import parse
from recovery.content import Card
from recovery.errors import Missing, OutsideError, Refused
from recovery.jobs import Job, TaskKind
from recovery.sheet import Sheet, close
from recovery.state import NewRequest, NewTask, Request
from recovery.store import Transaction
from recovery.text import line
from recovery.typed import Typed, Unclear

JUDGE = "judge"

ONLY_LOOK = frozenset({Ask.STATUS, Ask.HELP, Ask.PEOPLE, Ask.FINDINGS, Ask.MORE})
"""Asks whose answer is drawn anew after a crash: more than the outcome that was written down."""

CUT = line(
    "A key or password in your message was cut out before anything was stored. Please change it: it was sent to Slack."
)


def keep_request(tx: Transaction, request: NewRequest) -> bool:
    """Store a request together with the task that judges it; whether it is new."""
    request_id = tx.requests.add(request)
    if request_id is None:
        return False
    tx.tasks.add([NewTask(JUDGE, f"{JUDGE}:{request_id}", priority=0, payload={"request": request_id})])
    return True


def judge(job: Job, kinds: Mapping[str, TaskKind]) -> None:
    """Judge one request and answer it."""
    tools = job.tools
    with tools.store.read() as tx:
        request = tx.requests.get(int(str(job.task.payload["request"])))
    sheet = read(job, request, kinds)
    if request.outcome == CHECKED:
        # Left waiting before a crash; the poll has planned the answer since.
        return
    decided = request.outcome is not None and request.outcome != WAITING
    if decided and (isinstance(sheet, Card) or sheet.ask not in ONLY_LOOK):
        # Decided before a crash; what is left is the answer.
        answer(job, request, plain_card(line(request.outcome or "")))
        return
    try:
        card = unclear(job, request, sheet) if isinstance(sheet, Card) else ASKS[sheet.ask](sheet)
    except Missing:
        card = refuse_unknown(job, request)
    except OutsideError as error:
        if isinstance(error, Refused) or request_is_old(job, request):
            card = plain_card(
                line(f"Slack could not be asked who you are, so nothing was changed: {error} Please try again.")
            )
            close(job, request, card)
        else:
            raise
    if card is None:
        return
    answer(job, request, card)


def unclear(job: Job, request: Request, card: Card) -> Card:
    """What was typed is not understood: the question back is what came of it."""
    close(job, request, card)
    return card


def refuse_unknown(job: Job, request: Request) -> Card:
    """A button about something that this database does not have, or a step that this version lacks."""
    card = plain_card(line("The bot does not know what that button is about. Nothing was changed."))
    close(job, request, card)
    return card


MOST_ATTEMPTS = 30
"""Far more than patience needs: only a defect of the bot's own brings a request this far."""


def request_is_old(job: Job, request: Request) -> bool:
    """Whether the sender has waited long enough for Slack to say who they are."""
    return job.tools.clock.now() - request.received_at > MOST_PATIENCE


def read(job: Job, request: Request, kinds: Mapping[str, TaskKind]) -> Sheet | Card:
    """What the request asks for; a card when it is not clear."""
    access = Access(job.tools.directory, job.tools.policy)
    try:
        ask = Ask(request.action)
    except ValueError:
        ask = Ask.UNKNOWN
    if ask is not Ask.TYPED:
        return Sheet(job, request, ask, request.about, request.text.strip(), access, kinds)
    typed = parse(request.text)
    if isinstance(typed, Unclear):
        return plain_card(line(typed.question))
    assert isinstance(typed, Typed)
    return Sheet(job, request, typed.ask, typed.about, typed.text, access, kinds)


def answer(job: Job, request: Request, card: Card) -> None:
    """Answer the sender privately. An answer that Slack refuses for good is given up: what was decided stands."""
    if request.secrets_cut:
        card = replace(card, lines=(*card.lines, CUT))
    job.hold()
    try:
        job.tools.messenger.answer(request, card)
    except Refused:
        return


def desk_kinds(kinds: Callable[[], Mapping[str, TaskKind]]) -> tuple[TaskKind, ...]:
    """The kind that judges requests. `kinds` are all kinds, for cancelling."""

    def run(job: Job) -> None:
        judge(job, kinds())

    return (TaskKind(JUDGE, run, "judging a request", most_attempts=MOST_ATTEMPTS, quick=True),)
