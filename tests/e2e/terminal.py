"""`python bot.py key` as somebody uses it: at a terminal, with the key typed into it."""

import os
import pty
import select
import sys
import time

from drill.process import ROOT
from tests.e2e.recovery_run import Run


def typed_key(run: Run, key: str) -> tuple[int, str]:
    """`python bot.py key` at a terminal of its own, the key typed: its status, and all that the terminal showed."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(ROOT)
        os.execve(sys.executable, [sys.executable, "bot.py", "key"], {"PATH": os.environ["PATH"], **run.bot.environ})
    shown = b""
    answered = False
    end = time.monotonic() + 20
    while time.monotonic() < end:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                piece = os.read(terminal, 4096)
            except OSError:
                break
            if not piece:
                break
            shown += piece
        if not answered and b"not shown" in shown:
            os.write(terminal, f"{key}\n".encode())
            answered = True
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), shown.decode()
