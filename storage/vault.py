"""The vault: the bot's own Mailgun key, encrypted in the database."""

import hashlib
import hmac
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Lock

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from recovery import ports, store
from recovery.errors import Refused
from recovery.secret import Secret, fingerprint
from recovery.state import VaultKey
from storage.errors import VaultSealed

_FINGERPRINTS = b"fingerprints of secrets:"
"""Keeps the key of the fingerprints apart from the one that encrypts: neither tells anything of the other."""


KNOWN_FOR = 2.0
"""Seconds for which calls go by a key that was read."""


class DatabaseVault(ports.Vault):
    """Keeps the key sealed by the first encryption key; opens what any of them sealed.

    Which row is the newest `current` asks anew each time, so that a key that another process stored counts from its
    commit on for whatever is decided. Calls go by what was read last (`known`).
    """

    def __init__(
        self,
        store: store.Store,
        encryption_keys: list[str],
        environment_key: Secret,
        clock: ports.Clock,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._fernet = MultiFernet([Fernet(key) for key in encryption_keys])
        self._fingerprint_key = hashlib.sha256(_FINGERPRINTS + encryption_keys[0].encode()).digest()
        self._several = len(encryption_keys) > 1
        self._environment_key = environment_key
        self._clock = clock
        self._guard = Lock()
        self._opened: tuple[VaultKey, Secret] | None = None
        self._monotonic = monotonic
        self._known: tuple[Secret | None, float] = (None, 0.0)
        self._refreshed = 0

    def known(self) -> Secret:
        """The key as it was read here not long ago. For calls: of several in a second each need not ask the database
        whether another process has stored one. A key that is refused has the vault read again at once (`refresh`).

        Raises `VaultSealed`.
        """
        known, until = self._known
        return self.current() if known is None or self._monotonic() > until else known

    def current(self) -> Secret:
        """Raises `VaultSealed` when no encryption key opens the newest row."""
        asked = self._refreshed
        newest = self._newest()
        with self._guard:
            if newest is None:
                secret = self._environment_key
            else:
                if self._opened is None or self._opened[0] != newest:
                    self._opened = (newest, self._open(newest))
                secret = self._opened[1]
            # What was read before somebody said to read again may be the old one.
            if asked == self._refreshed:
                self._known = (secret, self._monotonic() + KNOWN_FOR)
            return secret

    def keep(self, tx: store.Transaction, secret: Secret, mailgun_key_id: str | None, incident_id: int | None) -> None:
        tx.vault.add(
            VaultKey(
                id=0,
                mailgun_key_id=mailgun_key_id,
                sealed=self.seal(secret),
                environment=fingerprint(self._environment_key),
                created_at=self._clock.now(),
                incident_id=incident_id,
            )
        )

    def seal(self, secret: Secret) -> str:
        return self._fernet.encrypt(secret.reveal().encode()).decode()

    def unseal(self, sealed: str) -> Secret:
        try:
            return Secret(self._fernet.decrypt(sealed.encode()).decode())
        except InvalidToken:
            raise Refused("No key in ENCRYPTION_KEY opens it.") from None

    def refresh(self) -> None:
        with self._guard:
            self._opened, self._known = None, (None, 0.0)
            self._refreshed += 1

    def fingerprint(self, secret: Secret) -> str:
        return hmac.new(self._fingerprint_key, secret.reveal().encode(), hashlib.sha256).hexdigest()[:12]

    def was_own(self, secret: Secret, incident_id: int) -> bool:
        """A key that was sealed by an encryption key which is thrown away by now is passed over."""
        with self._store.read() as tx:
            kept = tx.vault.all()
        made = [place for place, key in enumerate(kept) if key.incident_id == incident_id]
        # The key before the first that was made in this incident, or the newest while none was; -1: the environment's.
        since = (made[0] if made else len(kept)) - 1
        if since < 0 and secret == self._environment_key:
            return True
        for key in kept[max(since, 0) :]:
            with suppress(VaultSealed):
                if self._open(key) == secret:
                    return True
        return False

    def environment_changed(self) -> bool:
        """Whether `MAILGUN_API_KEY` is another one than when the vault's key was stored."""
        newest = self._newest()
        return newest is not None and newest.environment != fingerprint(self._environment_key)

    def rotate_if_needed(self) -> None:
        """With several encryption keys, seal anew with the first: from then on the others can be thrown away."""
        if self._several:
            with self._store.write() as tx:
                self.rotate(tx)

    def rotate(self, tx: store.Transaction) -> None:
        """Seal the key anew with the first encryption key; the others can be thrown away after the commit."""
        newest = tx.vault.newest()
        if newest is not None:
            sealed = self.seal(self._open(newest))
            # Not as a row of its own: another process may be keeping a key now, and that one must stay the newest.
            tx.vault.reseal(newest.id, sealed)

    def _newest(self) -> VaultKey | None:
        with self._store.read() as tx:
            return tx.vault.newest()

    def _open(self, key: VaultKey) -> Secret:
        try:
            return Secret(self._fernet.decrypt(key.sealed.encode()).decode())
        except InvalidToken:
            raise VaultSealed(
                "No key in ENCRYPTION_KEY opens the vault. Add the one that it was sealed with, after a "
                "comma; with SQLite it may be in the .key file beside the database. If it is lost, make a "
                "new admin key in Mailgun's control panel and store it with: python bot.py key"
            ) from None
