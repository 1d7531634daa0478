"""A folder for what a scan has to put on the disk: clones. It is gone afterwards, also after a crash."""

import fcntl
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

log = logging.getLogger(__name__)

PREFIX = "mailgun-recovery-scan-"
_LOCK = ".in-use"


@contextmanager
def scratch(parent: Path) -> Iterator[Path]:
    """An empty folder for our user alone, which is deleted with the block."""
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    # Held for as long as this process lives: whoever finds it free knows that nobody uses the folder any more.
    lock = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder
    finally:
        _delete(folder)
        os.close(lock)


def delete_left_behind(parent: Path) -> None:
    """Delete the folders of processes that were killed before they could."""
    for folder in parent.glob(f"{PREFIX}*"):
        try:
            lock = os.open(folder / _LOCK, os.O_RDWR)
        except OSError:
            # Just being made, or somebody else's.
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        else:
            _delete(folder)
        finally:
            os.close(lock)


def _delete(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        log.warning("%s could not be deleted; it holds a copy of a public repository", folder)
