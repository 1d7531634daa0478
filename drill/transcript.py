"""The transcript: what happens in the practice Slack, printed as it happens, every secret as `••••••••`."""

import time
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.status import Status
from rich.text import Text

from drill.actors import Slack
from drill.calls import handed_over
from drill.messages import Message
from drill.retelling import Echo, Retelling, Saying, counted

MASK = "••••••••"
_GATHERED_FOR = 1.5
"""Seconds over which it is gathered who else said, did or was told the same, before that is printed."""
_ASIDE = "aside"
_INDENT = " " * 6
_STEPS = 8


class Transcript:
    """Prints what happens, with a line at the bottom that says how far it is where somebody looks at a terminal.

    `secrets` are those that exist from the start; those that are handed over become known as they are. What many
    people do, or are told, in the same words is told of the first of them, and then of all the others together.
    """

    def __init__(self, slack: Slack, console: Console, secrets: Iterable[str] = ()) -> None:
        self._slack = slack
        self._console = console
        self._secrets = {secret for secret in secrets if secret}
        self._retelling = Retelling(slack)
        self._began = time.monotonic()
        self._read = 0
        self._status: Status | None = None
        self._told: dict[str, set[str]] = {}
        self._told_for_good: dict[str, set[str]] = {}
        self._gathered: dict[str, tuple[str, list[str]]] = {}
        self._gathers_until = 0.0

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._status = self._console.status(self.progress)
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._print_gathered()
        if self._status is not None:
            self._status.stop()

    @property
    def seconds(self) -> float:
        """How long it has been running."""
        return time.monotonic() - self._began

    @property
    def progress(self) -> str:
        """How many steps are settled, and the time since the beginning."""
        settled = sum(status in ("done", "skipped") for status in self._retelling.steps.values())
        return f"{settled} of {_STEPS} steps settled, {self._clock()}"

    def hides(self, secret: str) -> None:
        """Never print this secret from here on: somebody has just made it."""
        self._secrets.add(secret)

    def catch_up(self) -> None:
        """Print what happened in Slack since the last time."""
        for entry in self._slack.log(self._read):
            self._read = int(entry["seq"])
            self._secrets |= {handed.secret for handed in handed_over(entry)}
            saying = self._retelling.tell(entry)
            if saying is not None:
                self._tell(saying)
        if self._gathered and time.monotonic() > self._gathers_until:
            self._print_gathered()
        if self._status is not None:
            self._status.update(self.progress)

    def heading(self, words: str) -> None:
        """Print what the next part is about."""
        self.catch_up()
        self._print_gathered()
        self._told.clear()
        self._console.print()
        self._console.print(Text(words, style="bold"))

    def narrate(self, words: str) -> None:
        """Print something that happens outside Slack."""
        self.catch_up()
        self._print_gathered()
        self._print([f"({words})"], "italic")

    def narrate_of(self, who: str, does: str) -> None:
        """Print what somebody does outside Slack; of several who do the same, once."""
        self.catch_up()
        echo = Echo(f"outside {does}", who, "(So do{es} {names}.)")
        self._tell(Saying((f"({who} {does}.)",), echo=echo, is_deed=True), "italic")

    def show(self, message: Message) -> None:
        """Print a message as it stands now."""
        self._console.print()
        self._console.print(Text(self._masked(self._retelling.plain(message))))

    def _tell(self, saying: Saying, style: str = "") -> None:
        """Print it, or gather it with what was told in the same words already."""
        if saying.is_aside:
            self._gather(_ASIDE, saying.lines[0], saying.lines[1:])
            return
        echo = saying.echo
        if echo is not None:
            known = self._told_for_good if echo.lasts else self._told
            whom = known.setdefault(echo.key, set())
            if whom and (echo.lasts or echo.who not in whom):
                self._gather(echo.key, echo.words, [echo.who])
                whom.add(echo.who)
                return
            whom.add(echo.who)
        if saying.is_deed:
            # Whoever does something now was told before why.
            self._print_gathered()
        self._print(saying.lines, style)

    def _gather(self, key: str, words: str, more: Iterable[str]) -> None:
        if not self._gathered:
            self._gathers_until = time.monotonic() + _GATHERED_FOR
        gathered = self._gathered.setdefault(key, (words, []))[1]
        gathered += [one for one in more if key == _ASIDE or one not in gathered]

    def _print_gathered(self) -> None:
        gathered, self._gathered = self._gathered, {}
        aside = gathered.pop(_ASIDE, None)
        # What people did, then what they said of it.
        for words, names in sorted(gathered.values(), key=lambda one: not one[0].startswith("(")):
            said = words.replace("{names}", _listed(names)).replace("{es}", "es" if len(names) == 1 else "")
            self._print([said], "italic" if words.startswith("(") else "")
        if aside is not None:
            self._print([aside[0], *counted(aside[1])], "dim")

    def _print(self, lines: Iterable[str], style: str) -> None:
        first, *rest = lines
        text = "\n".join([f"{self._clock():>4}  {first}", *(f"{_INDENT}{line}" for line in rest)])
        self._console.print(Text(self._masked(text), style=style))

    def _masked(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        return text

    def _clock(self) -> str:
        minutes, seconds = divmod(int(self.seconds), 60)
        return f"{minutes}:{seconds:02}"


def _listed(names: list[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def console() -> Console:
    """The terminal; or, where nobody looks, plain text whose lines are not broken."""
    terminal = Console(highlight=False)
    return terminal if terminal.is_terminal else Console(highlight=False, soft_wrap=True)
