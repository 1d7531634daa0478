"""What can go wrong with the database, the process's lock and the vault. Each message says what to do."""

from sqlalchemy.exc import DontWrapMixin

from recovery.errors import RecoveryError


class BadDatabaseUrl(RecoveryError):
    """`DATABASE_URL` names no usable database. The message never shows the URL: it may hold a password."""


class DatabaseUnavailable(RecoveryError):
    """The database cannot be reached or stayed locked. Nothing was written, but by a commit under way."""


class AnotherProcess(RecoveryError):
    """Another process of the bot works on this SQLite file."""


class NewerDatabase(RecoveryError):
    """A newer version of the bot has migrated the database: this one does not know its tables."""


class NotMigrated(RecoveryError):
    """A migration failed. Nothing was changed."""


class NaiveTime(DontWrapMixin, ValueError):
    """A time without a time zone was about to be stored. A mistake in the program, so no `RecoveryError`."""


class BadEncryptionKey(RecoveryError):
    """`ENCRYPTION_KEY` is missing or malformed."""


class VaultSealed(RecoveryError):
    """No encryption key opens what the vault holds."""
