"""One run of the real bot: a company, a database, `python bot.py`, and what people do to it.

Nothing here sleeps. `Run.wait` looks until something is so, and says what it waited for, with the end of the
bot's log, when it does not come.
"""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa

from drill.account import Mailgun
from drill.actors import COMMAND, Person, Slack
from drill.company import Company, company
from drill.evidence import ACCOUNT_WIDE
from drill.mailgun.accounts import Prepared, small_account
from drill.messages import Form, Message
from drill.ordering import JsonObject
from drill.process import BotProcess, bot_environ
from drill.slack.workspaces import INCIDENT
from drill.waiting import NotInTime, wait_for
from tests.databases import borrowed_url
from tests.e2e.handed_over import handed_over, last_for_each
from tests.forks import ForkedBot

Found = TypeVar("Found")

PASSWORD, TWO_FACTOR = "Reset your Mailgun password", "Turn on two-factor authentication"
"""What people are asked for, by its line in their message: behind ☐ it is to be done, behind ☑ it is done."""

_DOMAIN_HEADING = re.compile(r" \((US|EU)(, subaccount .+)?\)$")

STEPS = 8
PATIENCE = 15.0


class Run:
    """One bot that serves one company. People are `olivia`, `priya`, `sam`, ...; Olivia opens incidents."""

    def __init__(self, company: Company, bot: BotProcess, database_url: str) -> None:
        self.company = company
        self.bot = bot
        self.database_url = database_url

    @property
    def slack(self) -> Slack:
        return self.company.slack

    @property
    def mailgun(self) -> Mailgun:
        return self.company.mailgun

    def person(self, name: str) -> Person:
        return self.company.person(name)

    @property
    def olivia(self) -> Person:
        """The owner of the workspace, who opens incidents and is handed the secrets."""
        return self.person("olivia")

    @property
    def priya(self) -> Person:
        """An admin of the workspace: a second approver."""
        return self.person("priya")

    # Waiting

    def wait(self, what: str, look: Callable[[], Found | None], seconds: float = PATIENCE) -> Found:
        """What `look` finds once it finds something; fails with what was waited for and the bot's last words."""
        try:
            return wait_for(what, look, seconds, meanwhile=[self.bot.check])
        except NotInTime as late:
            raise AssertionError(f"{late}\n{self.standing()}\n--- the bot's log ends:\n{self.bot.log_end()}") from None

    def standing(self) -> str:
        """How the steps and their failures stand, for whoever reads that something did not come."""
        cards = [card.words for number in range(STEPS) if (card := self.slack.step(number))]
        return "--- the cards say:\n" + "\n\n".join(cards)

    def wait_status(self, step: int, *statuses: str, seconds: float = PATIENCE) -> str:
        """Return once the step's card shows one of these."""
        wanted = " or ".join(statuses)
        return self.wait(
            f"step {step} to be {wanted} (it is {self.slack.step_status(step)!r})",
            lambda: (now := self.slack.step_status(step)) in statuses and now,
            seconds,
        )

    def state(self) -> dict[str, object]:
        """All that a request could change: compare it before and after one that must change nothing."""
        return {
            "incidents": self.rows("SELECT id, status, requester_id, audit_count FROM incidents ORDER BY id"),
            "steps": self.rows("SELECT id, status, version, decision, reason FROM steps ORDER BY id"),
            "handovers": self.rows("SELECT id, status, recipient_id FROM handovers ORDER BY id"),
            "people": self.rows("SELECT id, standing, put_off, urged_by FROM people ORDER BY id"),
            "obligations": self.rows("SELECT id, status, said_at FROM obligations ORDER BY id"),
            "effects": [(call["method"], call["path"]) for call in self.changes_at_mailgun()],
        }

    # The incident

    def open_incident(self, words: str = "Our key was in a public repository", by: Person | None = None) -> None:
        """Somebody types the command; returns when the thread is complete."""
        boards = len(self.slack.messages(kind="board"))
        (by or self.olivia).types(f"{COMMAND} {words}".strip())
        self.wait("a board", lambda: len(self.slack.messages(kind="board")) > boards)
        self.wait("all the cards", self.thread_is_complete)

    def thread_is_complete(self) -> bool:
        """Whether the newest thread has its board, and a card a step with its count."""
        board = self.slack.board()
        if board is None:
            return False
        cards = [c for c in self.slack.messages(kind="step") if c.thread_ts == board.ts]
        return len(cards) == STEPS

    def card(self, step: int) -> Message:
        card = self.slack.step(step)
        assert card is not None, f"there is no card of step {step}"
        return card

    def approve(self, step: int, by: Person | None = None) -> None:
        """Press Approve on the step's card, and yes to its dialog."""
        (by or self.olivia).clicks(self.card(step), "approve", confirmed=True)

    def complete(self, step: int, seconds: float = PATIENCE) -> None:
        """Approve a step and wait until it is done."""
        self.approve(step)
        self.wait_status(step, "done", seconds=seconds)

    def press(self, who: Person, message: Message, button: str, words: str) -> None:
        """Press a button that opens a form, write the words and send it."""
        who.clicks(message, button)
        form = self.wait("a form to open", who.form)
        who.submits(form, words)

    def form_after(self, who: Person, message: Message, button: str) -> Form:
        """Press a button that opens a form."""
        who.clicks(message, button)
        return self.wait("a form to open", who.form)

    def says(self, who: Person, line: str, channel: str = INCIDENT) -> str:
        """Type after the command, and the private answer."""
        before = self.answers_to(who)
        who.types(f"{COMMAND} {line}".strip(), channel)
        return self.answer_after(who, before)

    def answers_to(self, who: Person) -> int:
        """How many private answers somebody has got so far."""
        return len(self._answers(who))

    def answer_after(self, who: Person, before: int) -> str:
        """The words of the next private answer to somebody who had so many."""
        answers = self.wait(f"a private answer to {who.name}", lambda: self._answers(who)[before:])
        return Message.read(answers[0]["body"] | {"ts": "0"}, INCIDENT).words

    def clicked(self, who: Person, message: Message, button: str, **how: str) -> str:
        """Press a button (yes to its dialog), and the private answer."""
        before = self.answers_to(who)
        who.clicks(message, button, confirmed=True, **how)
        return self.answer_after(who, before)

    def all_answers(self, who: Person) -> list[str]:
        """The words of every private answer to somebody, oldest first."""
        return [Message.read(answer["body"] | {"ts": "0"}, INCIDENT).words for answer in self._answers(who)]

    def raw_answer(self, who: Person) -> JsonObject:
        """The newest private answer as the bot sent it, addresses of links and all."""
        body: JsonObject = self._answers(who)[-1]["body"]
        return body

    def audit(self, words: str) -> list[str]:
        """The entries of the trail that say this: action, subject, result, and by whom."""
        said = self.rows("SELECT actor, action, subject, result FROM audit_entries ORDER BY incident_id, number")
        lines = [" ".join(str(part) for part in row) for row in said]
        return [line for line in lines if words in line]

    def let_in(self, *names: str, channel: str = INCIDENT) -> None:
        """Add people to a channel, of this workspace or not."""
        members = [*self.slack.workspace.channels[channel].members, *(self.person(name).id for name in names)]
        self.slack.orders.change(f"channels/{channel}", members=members)

    def keep_cards_as_they_are(self) -> None:
        """From here on Slack redraws nothing: buttons stay as they were drawn."""
        self.slack.orders.fault({"path": "chat.update"}, "429", seconds=60, times=10_000)

    def _answers(self, who: Person) -> list[JsonObject]:
        return [
            entry
            for entry in self.slack.log()
            if entry["kind"] == "call"
            and entry["ok"]
            and entry["method"] == "response_url"
            and (entry["answer"] or {}).get("user") == who.id
        ]

    # What people do

    def save_handovers(self, who: Person | None = None) -> None:
        """Press "Saved, wipe it" beside each handover that waits for it."""
        recipient = who or self.olivia
        for controls in recipient.inbox("handover_controls"):
            if controls.button("saved"):
                recipient.clicks(controls, "saved")

    def people_do_their_part(self) -> None:
        """Everyone with a Mailgun password resets it and turns on 2FA."""
        for user in self.mailgun.state()["users"]:
            if user["auth_method"] == "password" and not user["is_disabled"]:
                self.mailgun.resets_password(user["id"])
                if not user["tfa_active"]:
                    self.mailgun.turns_on_two_factor(user["id"])

    def everyone_is_asked(self, step: int) -> None:
        """Return once everybody of that step who can be written to was told of it."""
        # In one query: between two of them the obligations could appear, and nobody be asked yet.
        waits = "p.standing = 'unknown' OR (p.slack_id IS NOT NULL AND o.told_at IS NULL)"
        obliged = (
            f"SELECT COUNT(*), COUNT(CASE WHEN o.status = 'open' AND ({waits}) THEN 1 END) FROM obligations o"
            f" JOIN people p ON p.id = o.person_id JOIN steps s ON s.id = o.step_id WHERE s.number = {step}"
        )

        def all_asked() -> bool:
            ((everybody, without),) = self.rows(obliged)
            return bool(everybody) and not without

        self.wait(f"everybody to be asked for step {step}", all_asked)

    def checklist(self, name: str, words: str = "") -> Message:
        """Somebody's one message with all that they have to do, once it says this."""
        who = self.person(name)

        def found() -> Message | None:
            return next((message for message in who.inbox("checklist") if words in message.words), None)

        return self.wait(f"the checklist of {name} to say {words!r}", found)

    def reminders(self, name: str) -> list[Message]:
        """The reminders to somebody so far, without the replies that add or ask something."""
        added = ("One thing more", "A question about")
        return [reply for reply in self.person(name).inbox("reminder") if not reply.words.startswith(added)]

    def notice(self, words: str) -> Message:
        """What Olivia is told in a message of its own, once it says this."""
        return self.wait(
            f"Olivia to be told {words!r}",
            lambda: next((message for message in self.olivia.inbox("notice") if words in message.words), None),
        )

    def list_of_strays(self, words: str = "") -> Message:
        """Olivia's list of those whom the bot cannot reach, once it says this."""
        return self.wait(
            f"the list of those who cannot be reached to say {words!r}",
            lambda: next((message for message in self.olivia.inbox("strays") if words in message.words), None),
        )

    def note_everything(self) -> None:
        """Fill in both forms of the note."""
        for topic in ("Hosting provider contacted", "Public repositories checked"):
            self.press(self.olivia, self.card(6), topic, "Nothing was found")
            self.wait(f"{topic!r} to be noted", lambda topic=topic: self.card(6).button(topic) is None)

    def skip(self, step: int, reason: str = "Done by hand", by: Person | None = None) -> None:
        """Skip a step by command."""
        who = by or self.olivia
        self.says(who, f"skip {step} {reason}")
        self.wait_status(step, "skipped")

    # What there is

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """What the bot's database answers."""
        engine = sa.create_engine(self.database_url, poolclass=sa.NullPool)
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(sa.text(query))]

    def value(self, query: str) -> object:
        return self.rows(query)[0][0]

    def keys(self, *kinds: str, deleted: bool = False) -> list[JsonObject]:
        """Mailgun's keys of these kinds (all of them where none is named)."""
        found: list[JsonObject] = self.mailgun.state()["keys"]
        return [key for key in found if key["deleted"] is deleted and (not kinds or key["kind"] in kinds)]

    def passwords(self) -> dict[tuple[str, str], str]:
        """Each login's password at Mailgun, by the heading and label that a handover has for it."""
        state = self.mailgun.state()
        names = {one["id"]: f", subaccount {one['name']}" for one in state["subaccounts"]}
        return {
            (
                f"{domain['name']} ({domain['region'].upper()}{names.get(domain['subaccount_id'], '')})",
                credential["login"],
            ): credential["password"]
            for domain in state["domains"]
            for credential in domain["credentials"]
        }

    def handed_passwords(self) -> dict[tuple[str, str], str]:
        """The password in the last accepted message that names each login."""
        return {
            at: secret for at, secret in last_for_each(handed_over(self.slack)).items() if _DOMAIN_HEADING.search(at[0])
        }

    def changes_at_mailgun(self) -> list[JsonObject]:
        """Every call that was to change something there. How much was sent is asked for by POST."""
        calls = [call for call in self.mailgun.calls() if call["method"] != "GET"]
        return [call for call in calls if not call["path"].startswith("/v1/analytics/")]

    def expect_everything(self) -> None:
        """Somebody says of each finding, as they come up on the card, that it is expected."""
        while (card := self.card(0)).button("Expected") is not None:
            button = next(one for one in card.buttons if one.label == "Expected")
            number = button.beside.partition(".")[0].strip("* ")
            self.says(self.olivia, f"expected {number}")
            self.wait("the card to show it", lambda was=card: self.card(0) != was)

    def account_wide_keys(self) -> set[str]:
        """The webhook signing key and the public validation key that the account has now."""
        account = self.mailgun.state()["account"]
        return {str(account[name]) for name in ACCOUNT_WIDE}

    def secrets(self) -> set[str]:
        """Every secret that there is or was: keys, passwords now, passwords handed over, the bot's tokens."""
        state = self.mailgun.state()
        app = self.slack.workspace.app
        found = {key["secret"] for key in state["keys"]} | set(self.passwords().values())
        found |= {sent.secret for sent in handed_over(self.slack)}
        found |= self.account_wide_keys()
        return found | {app.bot_token, app.app_token, self.mailgun.admin_key}

    def log_text(self) -> str:
        """All that the bot has logged, at DEBUG."""
        return self.bot.log_path.read_text(encoding="utf-8", errors="replace")

    def database_dump(self) -> str:
        """All that the database holds: an SQLite file's bytes with its WAL; every column of PostgreSQL as text."""
        if self.database_url.startswith("sqlite"):
            path = Path(self.database_url.removeprefix("sqlite:///"))
            return "\n".join(
                file.read_bytes().decode("latin-1")
                for file in sorted(path.parent.glob(f"{path.name}*"))
                if not file.name.endswith((".key", ".lock"))
            )
        tables = self.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        return "\n".join(str(row) for (table,) in tables for row in self.rows(f'SELECT t.*::text FROM "{table}" t'))

    # Ending and restarting

    def rest(self) -> None:
        """Kill the bot: from here on the run is only looked at, and shall not cost the other tests their time."""
        self.bot.kill()

    def restart(self, **changes: str) -> None:
        """Start the bot once more, after it stopped or died."""
        self.bot.environ |= changes
        self.wait_gone()
        self.bot.start()
        self.bot.wait_until_connected(self.slack)

    def wait_gone(self) -> None:
        """Return once the process has ended and Slack has noticed."""
        wait_for("the bot's process to end", lambda: not self.bot.is_running)
        wait_for("Slack to notice that the bot is gone", lambda: self.slack.connections() == 0)

    def dies_at(self, server: Slack | Mailgun, when: str, match: dict[str, str], occurrence: int = 1) -> None:
        """Have the bot killed at a request, before it is applied or after."""
        server.orders.fault(match, "kill", when=when, pid=self.bot.pid, occurrence=occurrence)


@contextmanager
def recovery_run(
    folder: Path,
    kind: str = "sqlite",
    prepared: Prepared | None = None,
    start: bool = True,
    process: type[BotProcess] = ForkedBot,
    **variables: str,
) -> Iterator[Run]:
    """A company with this account (the small one), and the bot running on a new database of that kind.

    Where the start or the end of `python bot.py` is what is looked at, `process` is `BotProcess`.
    """
    with company(prepared=prepared or small_account()) as at_work, borrowed_url(kind, folder) as url:
        # A slower tick than the drill's: four of these bots share two cores.
        environ = bot_environ(at_work.slack, at_work.mailgun, url, **{"TICK": "0.4s"} | variables)
        bot = process(environ, folder / "bot.log")
        run = Run(at_work, bot, url)
        if not start:
            yield run
            return
        bot.start()
        try:
            bot.wait_until_connected(at_work.slack)
            yield run
        finally:
            # Killed, not stopped: the run is over, and nothing of it is looked at any more.
            if bot.is_running:
                bot.kill()


def seconds_of(do: Callable[[], object]) -> float:
    """How long something takes."""
    began = time.monotonic()
    do()
    return time.monotonic() - began
