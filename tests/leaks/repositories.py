"""Repositories made with git: what stands in them, and when it was deleted again."""

import os
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

NEWER_KEY = "3fa85f645717b56212b3fc2c963f66af-1a2b3c4d-5e6f7a8b"
NEWER_ID = "1a2b3c4d-5e6f7a8b"
OLDER_KEY = "key-8f3a1c9be07d425f96a1b3c5d7e9f024"
PASSWORD = "Zx81kQpLr7Tw29VbNm45"
OTHER_PASSWORD = "Hq92kQpLr7Tw29VbNm77"


def git(folder: Path, *arguments: str, day: str = "2026-03-01", author: str = "Ann Lee") -> str:
    """Run git there, as that author on that day."""
    who = {"GIT_AUTHOR_NAME": author, "GIT_COMMITTER_NAME": "Somebody", "GIT_CONFIG_GLOBAL": "/dev/null"}
    mail = {"GIT_AUTHOR_EMAIL": "ann@acme.example", "GIT_COMMITTER_EMAIL": "some@acme.example"}
    when = {"GIT_AUTHOR_DATE": f"{day}T12:00:00Z", "GIT_COMMITTER_DATE": f"{day}T12:00:00Z"}
    environ = {**os.environ, **who, **mail, **when}
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], env=environ, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def repository(folder: Path, files: Mapping[str, str], *, deleted: bool = False, author: str = "Ann Lee") -> Path:
    """A repository whose first commit has these files; with `deleted`, the second has none of them."""
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--initial-branch=main")
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=first", author=author)
    if deleted:
        git(folder, "rm", "--quiet", "-r", *files)
        (folder / "README").write_text("Nothing to see.\n")
        git(folder, "add", "--all")
        git(folder, "commit", "--quiet", "--message=second", day="2026-04-01", author="Bob")
    return folder


def first_commit(folder: Path) -> str:
    return git(folder, "rev-list", "--max-parents=0", "HEAD")


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """A folder of bare repositories, by HTTP on this machine; its address."""
    for bare in folder.glob("*.git"):
        git(bare, "update-server-info")
    with listening(partial(Quiet, directory=str(folder))) as address:
        yield address


@contextmanager
def listening(handler: Callable[..., BaseHTTPRequestHandler]) -> Iterator[str]:
    """A server with that handler, and its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """A test's output is for what the test says."""
