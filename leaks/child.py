"""A program as a child of ours: what it writes is read from a pipe, line by line, and it never outlives us."""

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

LOOK_EVERY = 0.5
"""Seconds between two looks at whether to go on."""

_DYING = 0.02
"""Seconds that a process gets to be gone after it was killed."""

_ROUNDS = 100
"""A process that the kernel holds cannot be killed, and must not hold us."""

_CHUNK = 1 << 16
_LONGEST_LINE = 1 << 20
"""Longer lines are passed over: nothing that is wanted is as long."""

_HANDED_ON = (
    "PATH",
    "LANG",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "GIT_SSL_CAINFO",
)
"""What of our environment a child is given: how to reach the network. Never a token, a key or an address of ours."""


class TooLong(Exception):
    """It was not done in time, and was killed."""


def environment(ours: Mapping[str, str], home: Path) -> dict[str, str]:
    """The environment of a child that keeps whatever it keeps in `home`, and asks nobody for a password."""
    handed_on = {name: ours[name] for name in _HANDED_ON if name in ours}
    return handed_on | {"HOME": str(home), "TMPDIR": str(home), "GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "true"}


def lines_of(
    command: Sequence[str], environ: Mapping[str, str], folder: Path, alive: Callable[[], None], seconds: float
) -> Generator[bytes]:
    """What the command writes to its standard output, line by line, until it ends.

    `alive` is called every `LOOK_EVERY`. What it raises comes through; then, and when the time is over, the child and
    all of its own children are killed. Raises `TooLong`, and `OSError` when it cannot be started.
    """
    deadline = time.monotonic() + seconds
    with _running(command, environ, folder) as output, selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        rest = b""
        while True:
            alive()
            if time.monotonic() > deadline:
                raise TooLong
            if not selector.select(LOOK_EVERY):
                continue
            chunk = os.read(output.fileno(), _CHUNK)
            if not chunk:
                break
            *whole, rest = (rest + chunk).split(b"\n")
            yield from whole
            if len(rest) > _LONGEST_LINE:
                rest = b""
        if rest:
            yield rest


@contextmanager
def _running(command: Sequence[str], environ: Mapping[str, str], folder: Path) -> Iterator[IO[bytes]]:
    """The output of the command, which is the head of a session of its own. All of that ends with the block."""
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        # What it says there may quote what it reads.
        stderr=subprocess.DEVNULL,
        env=dict(environ),
        cwd=folder,
        start_new_session=True,
    )
    assert child.stdout is not None
    try:
        yield child.stdout
    finally:
        _kill_session(child.pid)
        child.stdout.close()
        child.wait()


def _kill_session(head: int) -> None:
    """Kill the head of a session, and then all that it has begun. It must not have been waited for."""
    # Kingfisher has git in a process group of its own, so that the group alone is not enough. Where there is no /proc,
    # which is anywhere but on Linux, git ends by itself, at the latest by Kingfisher's own limit.
    with suppress(ProcessLookupError):
        os.killpg(head, signal.SIGKILL)
    for _ in range(_ROUNDS):
        members = [pid for pid in _session(head) if pid != head]
        if not members:
            return
        for pid in members:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(_DYING)


def _session(head: int) -> list[int]:
    """The processes of that session that have not ended. `man 5 proc`, stat: state, parent, group, session."""
    members = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        # Whatever ends meanwhile is gone from there.
        with suppress(OSError):
            state, _, _, session = stat.read_text(errors="replace").rpartition(")")[2].split()[:4]
            if int(session) == head and state != "Z":
                members.append(int(stat.parent.name))
    return members
