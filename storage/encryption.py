"""Where the vault's encryption keys come from: `ENCRYPTION_KEY`, or a file beside the SQLite file."""

import logging
import os
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

from cryptography.fernet import Fernet

from storage.errors import BadEncryptionKey
from storage.urls import parsed, sqlite_file

log = logging.getLogger(__name__)

HOW_TO_MAKE_ONE = 'python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"'


def load_encryption_keys(setting: str | None, database_url: str) -> list[str]:
    """The Fernet keys, the first of which encrypts; raises `BadEncryptionKey`, which never shows a key.

    Without a setting, an SQLite database gets a key of its own in `<file>.key`, made at first use.
    """
    if setting and setting.strip():
        return _checked(setting, "ENCRYPTION_KEY")
    database = sqlite_file(parsed(database_url))
    if database is None:
        raise BadEncryptionKey(f"ENCRYPTION_KEY is required with PostgreSQL. Make one with: {HOW_TO_MAKE_ONE}")
    file = database.with_name(f"{database.name}.key")
    try:
        if not file.exists():
            _make(file)
        if file.stat().st_mode & 0o077:
            log.warning("Others on this machine may read %s, which opens the vault. Run: chmod 600 %s", file, file)
        text = file.read_text(errors="replace")
    except OSError as error:
        raise BadEncryptionKey(
            f"The key file {file} cannot be made or read ({error.strerror}). Let the bot's user read and write there, "
            f"or set ENCRYPTION_KEY. Make a key with: {HOW_TO_MAKE_ONE}"
        ) from error
    return _checked(text, str(file))


def _checked(text: str, where: str) -> list[str]:
    keys = [key.strip() for key in text.split(",")]
    for number, key in enumerate(keys, start=1):
        try:
            Fernet(key)
        except ValueError:
            which = f"Key {number} of {len(keys)} in {where}" if len(keys) > 1 else f"The key in {where}"
            # `from None`: what the parser says may repeat part of the key.
            raise BadEncryptionKey(
                f"{which} is malformed: it must be 32 bytes in URL-safe base64. Make one with: {HOW_TO_MAKE_ONE}"
            ) from None
    return keys


def _make(file: Path) -> None:
    """Make the file, for its owner alone, whole or not at all: half a key would lock the vault for good."""
    with NamedTemporaryFile("w", dir=file.parent, prefix=f"{file.name}.") as draft:
        draft.write(Fernet.generate_key().decode())
        draft.flush()
        os.fsync(draft.fileno())
        with suppress(FileExistsError):  # another process was faster, and its key is the one
            os.link(draft.name, file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the name must survive a power failure as surely as what the key will seal
    finally:
        os.close(folder)
