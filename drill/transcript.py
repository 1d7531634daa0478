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
from drill.retelling import Retelling

MASK = "••••••••"
_INDENT = " " * 6
_STEPS = 6


class Transcript:
    """Prints what happens, with a line at the bottom that says how far it is where somebody looks at a terminal.

    `secrets` are those that exist from the start; those that are handed over become known as they are.
    """

    def __init__(self, slack: Slack, console: Console, secrets: Iterable[str] = ()) -> None:
        self._slack = slack
        self._console = console
        self._secrets = {secret for secret in secrets if secret}
        self._retelling = Retelling(slack)
        self._began = time.monotonic()
        self._read = 0
        self._status: Status | None = None

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._status = self._console.status(self.progress)
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
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

    def catch_up(self) -> None:
        """Print what happened in Slack since the last time."""
        for entry in self._slack.log(self._read):
            self._read = int(entry["seq"])
            self._secrets |= {handed.secret for handed in handed_over(entry)}
            saying = self._retelling.tell(entry)
            if saying is not None:
                self._print(saying.lines, "dim" if saying.is_aside else "")
        if self._status is not None:
            self._status.update(self.progress)

    def heading(self, words: str) -> None:
        """Print what the next part is about."""
        self.catch_up()
        self._console.print()
        self._console.print(Text(words, style="bold"))

    def narrate(self, words: str) -> None:
        """Print something that happens outside Slack."""
        self.catch_up()
        self._print([f"({words})"], "italic")

    def show(self, message: Message) -> None:
        """Print a message as it stands now."""
        self._console.print()
        self._console.print(Text(self._masked(self._retelling.plain(message))))

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


def console() -> Console:
    """The terminal; or, where nobody looks, plain text whose lines are not broken."""
    terminal = Console(highlight=False)
    return terminal if terminal.is_terminal else Console(highlight=False, soft_wrap=True)
