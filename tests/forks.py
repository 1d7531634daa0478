"""The bot as a process of its own, started at the cost of a fork.

`python bot.py` takes half a second of a core and more to import what it needs, and a thousand crashes mean two thousand
starts. Here a process that has imported `bot`, and done nothing else, forks for each start. What comes of it is a
process like any other, with its own memory, variables, sockets and log, and SIGKILL ends it as it ends any. Where the
start or the end of `python bot.py` is looked at, tests take `BotProcess` instead.
"""

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from drill.process import ROOT, BotProcess, Child, surrounded

_FORKING = multiprocessing.get_context("forkserver")


class ForkedBot(BotProcess):
    """The same bot, forked from a process that has it imported already."""

    def launch(self, log: IO[bytes]) -> Child:
        return _forked(self.environ, (), self.log_path, self.log_path)


def forked_command(environ: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """`drill.process.run_command`, forked: `python bot.py <arguments>` with exactly these variables, to its end."""
    with TemporaryDirectory() as folder:
        out, err = Path(folder) / "out", Path(folder) / "err"
        ended = _forked(environ, arguments, out, err).wait(60)
        return subprocess.CompletedProcess(["bot.py", *arguments], ended, out.read_text(), err.read_text())


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


def _forked(environ: Mapping[str, str], arguments: Sequence[str], out: Path, err: Path) -> Fork:
    _FORKING.set_forkserver_preload(["bot", __name__])
    process = _FORKING.Process(target=_be_the_bot, args=(surrounded(environ), arguments, out, err), daemon=True)
    process.start()
    return Fork(process)


def _be_the_bot(environ: Mapping[str, str], arguments: Sequence[str], out: Path, err: Path) -> None:
    """What `python bot.py <arguments>` with these variables would be, in this process; its output is appended."""
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(ROOT)
    with Path(os.devnull).open("rb") as nothing, out.open("ab") as said, err.open("ab") as complained:
        for descriptor, file in ((0, nothing), (1, said), (2, complained)):
            os.dup2(file.fileno(), descriptor)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = ["bot.py", *arguments]
    from bot import cli  # noqa: PLC0415  # imported already where this was forked, and nowhere else

    cli()
