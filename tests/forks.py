"""The bot as a process of its own, started at the cost of a fork.

`python bot.py` takes more than a second of a core to import what it needs, and a thousand crashes mean two thousand
starts. Here a process that has imported `bot`, and done nothing else, forks for each start. What comes of it is a
process like any other, with its own memory, variables, sockets and log, and SIGKILL ends it as it ends any. Where the
start or the end of `python bot.py` is looked at, tests take `BotProcess` instead.
"""

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from drill.process import ROOT, BotProcess, Child, surrounded

_FORKING = multiprocessing.get_context("forkserver")


class ForkedBot(BotProcess):
    """The same bot, forked from a process that has it imported already."""

    def launch(self, log: IO[bytes]) -> Child:
        _FORKING.set_forkserver_preload(["bot", __name__])
        process = _FORKING.Process(target=_be_the_bot, args=(surrounded(self.environ), self.log_path), daemon=True)
        process.start()
        return Fork(process)


class Fork:
    """A process of `multiprocessing`, as a `Child`."""

    def __init__(self, process: multiprocessing.process.BaseProcess) -> None:
        self._process = process
        self.pid = process.pid or 0

    def poll(self) -> int | None:
        """How it ended, as `subprocess` says it; None while it runs."""
        return self._process.exitcode

    def send_signal(self, sig: int, /) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, sig)

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()

    def wait(self, timeout: float | None = None) -> int:
        """How it ended, once it has. Raises `subprocess.TimeoutExpired`."""
        self._process.join(timeout)
        ended = self.poll()
        if ended is None:
            raise subprocess.TimeoutExpired("bot.py", timeout or 0)
        return ended


def _be_the_bot(environ: Mapping[str, str], log_path: Path) -> None:
    """What `python bot.py` with these variables would be, in this process."""
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(ROOT)
    with log_path.open("ab") as log, Path(os.devnull).open("rb") as nothing:
        for descriptor, file in ((0, nothing), (1, log), (2, log)):
            os.dup2(file.fileno(), descriptor)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = ["bot.py"]
    from bot import cli  # noqa: PLC0415  # imported already where this was forked, and nowhere else

    cli()
