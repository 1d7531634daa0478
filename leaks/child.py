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
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.stdout.close()
        child.wait()
