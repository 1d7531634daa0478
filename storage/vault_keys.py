"""The rows behind the vault; `storage.vault` seals and opens them."""

from sqlalchemy import Connection

from recovery import store
from recovery.state import VaultKey
from storage.rows import Rows
from storage.schema import VaultKeyRow

VAULT_KEYS = Rows(VaultKeyRow, VaultKey)


class VaultKeys(store.VaultKeys):
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def newest(self) -> VaultKey | None:
        query = VAULT_KEYS.select().order_by(VaultKeyRow.id.desc()).limit(1)
        return VAULT_KEYS.first(self._connection, query)

    def all(self) -> list[VaultKey]:
        return VAULT_KEYS.all(self._connection, VAULT_KEYS.select().order_by(VaultKeyRow.id))

    def add(self, key: VaultKey) -> VaultKey:
        return VAULT_KEYS.insert(self._connection, key)

    def reseal(self, key_id: int, sealed: str) -> None:
        VAULT_KEYS.update(self._connection, key_id, {"sealed": sealed})
