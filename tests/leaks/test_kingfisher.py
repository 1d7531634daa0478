"""What Kingfisher finds in repositories, where it finds it, and what it leaves behind: nothing."""

import json
import os
import stat
import time
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from itertools import pairwise
from pathlib import Path

import pytest

from leaks.check import check_leaks
from leaks.kingfisher import Kingfisher
from recovery.errors import CannotRead
from recovery.leaks import LeakKind, kind_of
from tests.leaks.repositories import (
    NEWER_KEY,
    OLDER_KEY,
    OTHER_PASSWORD,
    PASSWORD,
    first_commit,
    git,
    listening,
    repository,
    served,
)


class Left(Exception):
    """Whoever asked for the scan has to leave."""


@pytest.fixture
def parent(tmp_path: Path) -> Path:
    """Where folders for clones are made."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


@pytest.fixture
def scanner(parent: Path) -> Kingfisher:
    return Kingfisher(timedelta(seconds=60), parent=parent)


@pytest.fixture
def slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """In Kingfisher's place a program that says what it was given, starts a child of its own, and never ends."""
    told = tmp_path / "told"
    program = tmp_path / "bin" / "kingfisher"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nsleep 600 &\necho "$! $$" > {told}\nenv >> {told}\necho "$@" >> {told}\nwait\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr("leaks.kingfisher.where_kingfisher_is", lambda: str(program))
    yield told


def nothing_more() -> None:
    """Whoever asked for the scan still wants it."""


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


# --- What is found ---------------------------------------------------------------------------------------


def test_a_key_in_a_deleted_file_is_found_with_its_commit(scanner: Kingfisher, tmp_path: Path) -> None:
    shop = repository(tmp_path / "shop", {"conf/.env": f"A=1\nMAILGUN_API_KEY={NEWER_KEY}\n"}, deleted=True)

    (found,) = scanner.scan(str(shop), nothing_more)

    assert found.secret.reveal() == NEWER_KEY
    assert (found.file, found.line, found.date, found.author) == ("conf/.env", 2, "2026-03-01", "Ann Lee")
    assert found.commit == first_commit(shop)


def test_nothing_is_found_where_nothing_is(scanner: Kingfisher, tmp_path: Path) -> None:
    assert scanner.scan(str(repository(tmp_path / "clean", {"README": "hello\n"})), nothing_more) == []


@pytest.mark.parametrize(
    ("text", "secret", "kind"),
    [
        (f"api:{OLDER_KEY}", OLDER_KEY, LeakKind.API_KEY),
        (f"key: '{NEWER_KEY}'", NEWER_KEY, LeakKind.API_KEY),
        (f"validation = pub{OLDER_KEY}", f"pub{OLDER_KEY}", LeakKind.PUBLIC_KEY),
        (f"HOST=smtp.mailgun.org\nPORT=587\nPASSWORD={PASSWORD}", PASSWORD, LeakKind.SMTP_PASSWORD),
        (f"MAIL_PASSWORD={PASSWORD}\nMAIL_HOST=smtp.eu.mailgun.org", PASSWORD, LeakKind.SMTP_PASSWORD),
        (f'smtp:\n  address: smtp.eu.mailgun.org\n  password: "{PASSWORD}"', PASSWORD, LeakKind.SMTP_PASSWORD),
        (
            f"define('SMTP_HOST', 'smtp.mailgun.org');\ndefine('SMTP_PASS', '{PASSWORD}');",
            PASSWORD,
            LeakKind.SMTP_PASSWORD,
        ),
        (f"URL=smtp://a%40mg.acme.example:{PASSWORD}@smtp.mailgun.org:587", PASSWORD, LeakKind.SMTP_PASSWORD),
        (f"URL=smtps://a%40mg.acme.example:{PASSWORD}@smtp.eu.mailgun.org", PASSWORD, LeakKind.SMTP_PASSWORD),
    ],
)
def test_each_kind_of_secret_is_found_and_told_by_its_form(
    scanner: Kingfisher, tmp_path: Path, text: str, secret: str, kind: LeakKind
) -> None:
    (found,) = scanner.scan(str(repository(tmp_path / "shop", {"config": f"{text}\n"})), nothing_more)

    assert found.secret.reveal() == secret
    assert kind_of(found.secret) is kind


@pytest.mark.parametrize(
    "text",
    [
        "host: smtp.mailgun.org\npassword: ${SMTP_PASSWORD}\n",
        "host = 'smtp.mailgun.org'\npassword = os.environ['SMTP_PASSWORD']\n",
        "{host: 'smtp.mailgun.org', auth: {pass: process.env.SMTP_PASSWORD}}\n",
        "smtp://login:<your-password>@smtp.mailgun.org\n",
        f"host: smtp.other.example\npassword: {PASSWORD}\n",
    ],
)
def test_a_placeholder_and_another_servers_password_are_not_found(
    scanner: Kingfisher, tmp_path: Path, text: str
) -> None:
    assert scanner.scan(str(repository(tmp_path / "shop", {"config": text})), nothing_more) == []


def test_a_secret_is_told_once_for_each_file_by_its_first_commit(scanner: Kingfisher, tmp_path: Path) -> None:
    shop = repository(tmp_path / "shop", {"a.env": f"K={NEWER_KEY}\n", "b.env": f"K={NEWER_KEY}\n"})
    (shop / "a.env").write_text(f"# more\nK={NEWER_KEY}\n")
    git(shop, "commit", "--quiet", "--all", "--message=later", day="2026-05-01", author="Bob")

    found = scanner.scan(str(shop), nothing_more)

    assert [(one.file, one.author, one.date) for one in found] == [
        ("a.env", "Ann Lee", "2026-03-01"),
        ("b.env", "Ann Lee", "2026-03-01"),
    ]


def test_a_file_that_was_never_committed_is_found_without_a_commit(scanner: Kingfisher, tmp_path: Path) -> None:
    shop = repository(tmp_path / "shop", {"README": "hello\n"})
    (shop / ".env").write_text(f"K={NEWER_KEY}\n")

    (found,) = scanner.scan(str(shop), nothing_more)

    assert (found.file, found.commit, found.author) == (".env", "", "")


def test_a_repository_is_fetched_with_its_whole_history(scanner: Kingfisher, parent: Path, tmp_path: Path) -> None:
    shop = repository(tmp_path / "shop", {".env": f"K={NEWER_KEY}\n"}, deleted=True)
    git(tmp_path, "clone", "--quiet", "--bare", str(shop), str(tmp_path / "served" / "shop.git"))

    with served(tmp_path / "served") as address:
        (found,) = scanner.scan(f"{address}/shop.git", nothing_more)

    assert (found.file, found.commit) == (".env", first_commit(shop))
    assert list(parent.iterdir()) == []


def test_an_organisation_stands_for_its_public_repositories(parent: Path) -> None:
    asked = []

    class Api(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            names = ("shop", "site") if "&page=1&" in self.path else ()
            told = [
                {
                    "id": number,
                    "name": name,
                    "full_name": f"acme/{name}",
                    "fork": False,
                    "private": False,
                    "clone_url": f"https://github.example/acme/{name}.git",
                }
                for number, name in enumerate(names)
            ]
            body = json.dumps(told).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with listening(Api) as address:
        scanner = Kingfisher(timedelta(seconds=60), github=f"{address}/", parent=parent)
        listed = scanner.repositories("github:acme", nothing_more)

    assert sorted(listed) == ["https://github.example/acme/shop.git", "https://github.example/acme/site.git"]
    assert all(path.startswith("/orgs/acme/repos?") for path in asked)


def test_whatever_is_no_organisation_stands_for_itself(scanner: Kingfisher) -> None:
    assert scanner.repositories("https://github.com/acme/shop", nothing_more) == ["https://github.com/acme/shop"]


# --- What cannot be read ----------------------------------------------------------------------------------


def test_a_repository_that_cannot_be_reached_could_not_be_read(scanner: Kingfisher, parent: Path) -> None:
    with pytest.raises(CannotRead, match="could not be fetched"):
        scanner.scan("https://127.0.0.1:1/acme/shop.git", nothing_more)
    assert list(parent.iterdir()) == []


def test_an_organisation_that_cannot_be_asked_for_could_not_be_read(parent: Path) -> None:
    scanner = Kingfisher(timedelta(seconds=60), github="http://127.0.0.1:1/", parent=parent)
    with pytest.raises(CannotRead, match="GitHub"):
        scanner.repositories("github:acme", nothing_more)


def test_a_folder_that_is_not_there_could_not_be_read(scanner: Kingfisher, tmp_path: Path) -> None:
    with pytest.raises(CannotRead, match="no such folder"):
        scanner.scan(str(tmp_path / "nowhere"), nothing_more)


def test_without_kingfisher_it_says_how_to_install_it(
    scanner: Kingfisher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leaks.kingfisher.where_kingfisher_is", lambda: None)
    with pytest.raises(CannotRead, match=r"requirements/leaks\.txt"):
        scanner.scan(str(repository(tmp_path / "shop", {"README": "hello\n"})), nothing_more)


# --- What is left behind: nothing -------------------------------------------------------------------------


def test_what_takes_too_long_is_ended_with_all_its_children(slow: Path, parent: Path, tmp_path: Path) -> None:
    scanner = Kingfisher(timedelta(seconds=1), parent=parent)

    with pytest.raises(CannotRead, match="1 seconds, which LEAK_SCAN_TIME allows"):
        scanner.scan(str(tmp_path), nothing_more)

    assert_all_ended(slow)
    assert list(parent.iterdir()) == []


def test_whoever_has_to_leave_takes_the_child_along(
    slow: Path, scanner: Kingfisher, parent: Path, tmp_path: Path
) -> None:
    def alive() -> None:
        if slow.exists() and str(tmp_path) in slow.read_text():
            raise Left

    with pytest.raises(Left):
        scanner.scan(str(tmp_path), alive)

    assert_all_ended(slow)
    assert list(parent.iterdir()) == []


def assert_all_ended(slow: Path) -> None:
    pids = [int(pid) for pid in slow.read_text().splitlines()[0].split()]
    until = time.monotonic() + 5
    while any(map(is_running, pids)) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(map(is_running, pids))


def test_whoever_asked_is_asked_again_at_least_once_a_second(slow: Path, parent: Path, tmp_path: Path) -> None:
    asked = []
    scanner = Kingfisher(timedelta(seconds=3), parent=parent)

    with pytest.raises(CannotRead):
        scanner.scan(str(tmp_path), lambda: asked.append(time.monotonic()))

    assert max(later - earlier for earlier, later in pairwise(asked)) < 1


def test_the_child_is_given_no_token_and_no_key(
    slow: Path, parent: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-of-the-bot")
    monkeypatch.setenv("MAILGUN_API_KEY", NEWER_KEY)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    with pytest.raises(CannotRead):
        Kingfisher(timedelta(seconds=1), parent=parent).scan(str(tmp_path), nothing_more)

    given = slow.read_text()
    assert "xoxb-" not in given and NEWER_KEY not in given
    assert "http://proxy.example:3128" in given
    assert f"HOME={parent}/" in given


def test_nothing_that_was_found_is_on_the_disk_while_the_scan_goes_on(
    scanner: Kingfisher, parent: Path, tmp_path: Path
) -> None:
    shop = repository(tmp_path / "shop", {".env": f"K={OTHER_PASSWORD}\nkey={NEWER_KEY}\n"}, deleted=True)
    seen: list[bytes] = []

    def alive() -> None:
        seen.extend(file.read_bytes() for file in parent.rglob("*") if file.is_file())

    assert scanner.scan(str(shop), alive)
    assert not [text for text in seen if NEWER_KEY.encode() in text]


def test_the_clones_of_a_process_that_was_killed_are_deleted_at_the_next_start(
    scanner: Kingfisher, parent: Path
) -> None:
    left = parent / "mailgun-recovery-scan-dead"
    (left / "shop.git").mkdir(parents=True)
    (left / ".in-use").touch()
    (parent / "somebody-elses").mkdir()

    scanner.delete_left_behind()

    assert [folder.name for folder in parent.iterdir()] == ["somebody-elses"]


def test_the_clones_of_a_process_that_still_scans_are_left_alone(slow: Path, parent: Path, tmp_path: Path) -> None:
    left = []

    def alive() -> None:
        Kingfisher(timedelta(seconds=1), parent=parent).delete_left_behind()
        left.append(len(list(parent.iterdir())))

    with pytest.raises(CannotRead):
        Kingfisher(timedelta(seconds=1), parent=parent).scan(str(tmp_path), alive)

    assert set(left) == {1}


# --- python bot.py check ----------------------------------------------------------------------------------


def test_check_says_whether_a_scan_can_work(monkeypatch: pytest.MonkeyPatch) -> None:
    (fine,) = check_leaks(["github:acme"])
    assert fine.fine and "1 entry" in fine.found

    monkeypatch.setattr("leaks.check.where_kingfisher_is", lambda: None)
    (missing,) = check_leaks(["github:acme"])
    assert not missing.fine and "requirements/leaks.txt" in missing.found

    (not_asked,) = check_leaks([])
    assert not_asked.fine and "LEAK_SCAN" in not_asked.found


def test_check_says_when_git_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leaks.check.where_kingfisher_is", lambda: "/somewhere/kingfisher")
    monkeypatch.setitem(os.environ, "PATH", "/nowhere")
    (missing,) = check_leaks(["github:acme"])
    assert not missing.fine and "git" in missing.found
