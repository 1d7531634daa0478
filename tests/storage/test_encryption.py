import logging
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from storage.encryption import load_encryption_keys
from storage.errors import BadEncryptionKey

KEYS = [Fernet.generate_key().decode() for _ in range(2)]


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/recovery.db"


def test_keys_are_separated_by_commas_in_their_order(url: str) -> None:
    assert load_encryption_keys(f"{KEYS[0]} , {KEYS[1]}", url) == KEYS


def test_beside_an_sqlite_file_a_key_is_made_once_for_its_owner_alone(url: str, tmp_path: Path) -> None:
    made = load_encryption_keys(None, url)
    assert load_encryption_keys("", url) == made
    file = tmp_path / "recovery.db.key"
    assert [path.name for path in tmp_path.iterdir()] == [file.name]
    assert file.stat().st_mode & 0o777 == 0o600
    Fernet(made[0])


def test_a_key_file_that_others_may_read_is_warned_of(
    url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    [key] = load_encryption_keys(None, url)
    (tmp_path / "recovery.db.key").chmod(0o644)
    with caplog.at_level(logging.WARNING):
        load_encryption_keys(None, url)
    assert "chmod 600" in caplog.text and key not in caplog.text


def test_where_no_key_file_can_be_made_the_refusal_says_so(tmp_path: Path) -> None:
    with pytest.raises(BadEncryptionKey, match="set ENCRYPTION_KEY"):
        load_encryption_keys(None, f"sqlite:///{tmp_path}/no/such/folder.db")


def test_postgresql_requires_a_key_and_says_how_to_make_one() -> None:
    with pytest.raises(BadEncryptionKey, match="generate_key"):
        load_encryption_keys(None, "postgresql://host/name")


@pytest.mark.parametrize(
    ("setting", "named"),
    [
        ("hunter2", "The key in ENCRYPTION_KEY"),
        (f"{KEYS[0]},hunter2", "Key 2 of 2"),
        (f"{KEYS[0]},", "Key 2 of 2"),
    ],
    ids=["one key", "the second of two", "nothing after the comma"],
)
def test_a_malformed_key_is_named_and_not_shown(url: str, setting: str, named: str) -> None:
    with pytest.raises(BadEncryptionKey, match=named) as refusal:
        load_encryption_keys(setting, url)
    assert "hunter2" not in str(refusal.value) and KEYS[0] not in str(refusal.value)
