import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest
from cryptography.fernet import Fernet

from recovery import store
from recovery.secret import Secret
from recovery.state import IncidentStatus, VaultKey
from storage.clock import DatabaseClock
from storage.database import Database
from storage.errors import VaultSealed
from storage.vault import KNOWN_FOR, DatabaseVault
from tests.storage.given import an_incident, at_once

FIRST, SECOND = Fernet.generate_key().decode(), Fernet.generate_key().decode()
ENVIRONMENT = Secret("key-environment")


def vault(
    database: Database,
    *keys: str,
    environment: Secret = ENVIRONMENT,
    monotonic: Callable[[], float] = lambda: 0.0,
) -> DatabaseVault:
    return DatabaseVault(database, list(keys) or [FIRST], environment, DatabaseClock(database), monotonic)


def keep(database: Database, secret: str, **options: Secret) -> None:
    with database.write() as tx:
        vault(database, **options).keep(tx, Secret(secret), "id-1", None)


def test_an_empty_vault_answers_the_environments_key(database: Database) -> None:
    assert vault(database).current() == ENVIRONMENT


def test_a_kept_key_is_current_from_the_commit_on_in_every_process(url: str, opened: Callable[[str], Database]) -> None:
    here, there = vault(opened(url)), vault(opened(url))
    database = opened(url)
    assert there.current() == ENVIRONMENT
    with database.write() as tx:
        here.keep(tx, Secret("new"), "id-1", None)
        assert at_once([here.current, there.current]) == [ENVIRONMENT, ENVIRONMENT]
    assert here.current() == there.current() == Secret("new")


def test_a_key_whose_transaction_was_rolled_back_was_never_kept(database: Database) -> None:
    kept = vault(database)
    with pytest.raises(RuntimeError), database.write() as tx:
        kept.keep(tx, Secret("new"), "id-1", None)
        raise RuntimeError
    assert kept.current() == ENVIRONMENT


def test_the_newest_kept_key_is_current_and_says_where_it_came_from(database: Database) -> None:
    keep(database, "older")
    keep(database, "newer")
    assert vault(database).current() == Secret("newer")
    with database.read() as tx:
        newest = tx.vault.newest()
    assert newest is not None and newest.mailgun_key_id == "id-1"
    assert abs(datetime.now(UTC) - newest.created_at).total_seconds() < 60


def test_the_database_holds_no_key_in_the_clear(database: Database) -> None:
    keep(database, "hunter2")
    with database.read() as tx:
        assert "hunter2" not in str(tx.vault.newest())


def test_calls_go_by_the_key_that_was_read_last(database: Database) -> None:
    calling = vault(database)
    assert calling.known() == ENVIRONMENT
    keep(database, "of another process")
    assert calling.known() == ENVIRONMENT
    assert calling.current() == calling.known() == Secret("of another process")


def test_they_go_by_the_newest_within_seconds(database: Database) -> None:
    moments = [0.0]
    calling = vault(database, monotonic=lambda: moments[0])
    calling.known()
    keep(database, "of another process")
    moments[0] = KNOWN_FOR + 0.1
    assert calling.known() == Secret("of another process")


def test_once_that_key_is_refused_calls_go_by_the_newest(database: Database) -> None:
    calling = vault(database)
    calling.known()
    keep(database, "of another process")
    calling.refresh()
    assert calling.known() == Secret("of another process")


def test_refreshing_reads_again(database: Database) -> None:
    keep(database, "new")
    kept = vault(database)
    kept.current()
    kept.refresh()
    assert kept.current() == Secret("new")


def test_a_second_encryption_key_opens_what_it_sealed(database: Database) -> None:
    keep(database, "new")
    assert vault(database, SECOND, FIRST).current() == Secret("new")


def test_after_rotating_the_first_encryption_key_suffices(database: Database) -> None:
    keep(database, "new")
    with database.write() as tx:
        vault(database, SECOND, FIRST).rotate(tx)
    assert vault(database, SECOND).current() == Secret("new")
    assert not vault(database, SECOND).environment_changed()


def test_rotating_seals_the_same_key_anew_and_adds_none(database: Database) -> None:
    keep(database, "new")
    with database.write() as tx:
        before = tx.vault.newest()
        vault(database, SECOND, FIRST).rotate(tx)
        after = tx.vault.newest()
    assert before is not None and after is not None
    assert before.sealed != after.sealed
    assert replace(before, sealed=after.sealed) == after


def test_a_key_kept_while_another_process_rotates_stays_the_newest(
    postgresql_url: str, opened: Callable[[str], Database]
) -> None:
    here, there = opened(postgresql_url), opened(postgresql_url)
    keep(there, "older")
    with here.write() as tx:
        tx.vault = Meanwhile(tx.vault, lambda: keep(there, "newer"))
        vault(here, SECOND, FIRST).rotate(tx)
    assert vault(here, SECOND, FIRST).current() == Secret("newer")


@dataclass
class Meanwhile(store.VaultKeys):
    """The vault's rows, and what another process does right after they were read."""

    rows: store.VaultKeys
    happens: Callable[[], None]

    def newest(self) -> VaultKey | None:
        found = self.rows.newest()
        self.happens()
        return found

    def add(self, key: VaultKey) -> VaultKey:
        return self.rows.add(key)

    def reseal(self, key_id: int, sealed: str) -> None:
        self.rows.reseal(key_id, sealed)


def test_rotating_an_empty_vault_does_nothing(database: Database) -> None:
    with database.write() as tx:
        vault(database).rotate(tx)
        assert tx.vault.newest() is None


def test_a_vault_that_no_key_opens_says_what_to_do(database: Database) -> None:
    keep(database, "new")
    with pytest.raises(VaultSealed, match="ENCRYPTION_KEY"):
        vault(database, SECOND).current()


def test_another_key_in_the_environment_is_noticed(database: Database) -> None:
    assert not vault(database, environment=Secret("key-other")).environment_changed()
    keep(database, "new")
    assert not vault(database).environment_changed()
    assert vault(database, environment=Secret("key-other")).environment_changed()
    keep(database, "newer", environment=Secret("key-other"))
    assert not vault(database, environment=Secret("key-other")).environment_changed()


# --- Fingerprints -----------------------------------------------------------------------------------------


def test_the_same_secret_has_the_same_fingerprint_in_every_process(url: str, opened: Callable[[str], Database]) -> None:
    here, there = vault(opened(url)), vault(opened(url))
    assert here.fingerprint(Secret("one")) == there.fingerprint(Secret("one"))
    assert here.fingerprint(Secret("one")) != here.fingerprint(Secret("two"))


def test_a_fingerprint_is_nothing_that_can_be_tried_out_without_the_encryption_key(database: Database) -> None:
    first, second = vault(database, FIRST), vault(database, SECOND)
    told = first.fingerprint(Secret("guessable"))
    assert told != second.fingerprint(Secret("guessable"))
    assert told not in hashlib.sha256(b"guessable").hexdigest()
    assert len(told) == 12


def kept_in(database: Database, *keys: tuple[str, int | None]) -> DatabaseVault:
    """A vault that got these keys in this order, each in an incident or by command."""
    kept = vault(database)
    for secret, incident_id in keys:
        with database.write() as tx:
            kept.keep(tx, Secret(secret), secret, incident_id)
    return kept


def own(kept: DatabaseVault, incident_id: int) -> list[str]:
    every = ("key-environment", "typed", "first", "second", "somebody else's")
    return [secret for secret in every if kept.was_own(Secret(secret), incident_id)]


def test_the_environments_key_is_its_own_until_another_incident(database: Database) -> None:
    first, second = (an_incident(database, IncidentStatus.CLOSED).id for _ in range(2))
    assert own(vault(database), first) == ["key-environment"]
    kept = kept_in(database, ("first", first))
    assert own(kept, first) == ["key-environment", "first"]
    assert own(kept, second) == ["first"]


def test_a_key_that_was_typed_takes_the_environments_place(database: Database) -> None:
    incident = an_incident(database).id
    kept = kept_in(database, ("typed", None))
    assert own(kept, incident) == ["typed"]
    assert own(kept_in(database, ("first", incident)), incident) == ["typed", "first"]


def test_a_key_that_no_encryption_key_opens_any_more_is_passed_over(database: Database) -> None:
    incident = an_incident(database).id
    kept_in(database, ("typed", None))
    with database.write() as tx:
        vault(database, SECOND).keep(tx, Secret("second"), "id-2", incident)
    assert own(vault(database, SECOND), incident) == ["second"]
