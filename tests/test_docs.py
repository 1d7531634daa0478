"""The documents say what is there: settings, commands, links and tests."""

import re
from pathlib import Path

import pytest

from recovery.commands import COMMANDS
from settings import settings_table

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
SETTINGS = re.compile(r"<!-- settings: [^>]* -->\n(.*?)<!-- /settings -->", re.DOTALL)


def current_table() -> str:
    """The settings as a table, word for word as `docs/operations.md` has it."""
    rows = [("variable", "default", "what it is"), ("---", "---", "---")]
    for name, default, description in settings_table():
        in_words = not default or " " in default or default in ("required", "none")
        shown = default if in_words else f"`{default}`"
        rows.append((f"`{name}`", shown, description))
    return "".join("| " + " | ".join(row) + " |\n" for row in rows)


def prose(page: Path) -> str:
    """A page without its code blocks, code spans, pictures and comments."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"<!--.*?-->|!\[", "", text, flags=re.DOTALL)
    return re.sub(r"`[^`\n]*`", "", text)


def anchors(page: Path) -> set[str]:
    """What a link to a heading of the page may name, by GitHub's rules."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def test_the_table_of_settings_is_whole_and_current() -> None:
    found = SETTINGS.search((ROOT / "docs" / "operations.md").read_text())
    assert found is not None
    assert found[1] == current_table()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_that_a_page_names_is_one(page: Path) -> None:
    named = re.findall(r"/mailgun-compromised ([a-z][a-z-]*)", page.read_text())
    assert set(named) <= set(COMMANDS)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    text = page.read_text()
    for target in re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'src="([^"]+)"', text):
        if re.match(r"https?://|mailto:", target):
            continue
        path, _, anchor = target.partition("#")
        file = page if not path else (page.parent / path).resolve()
        assert file.is_relative_to(ROOT) and file.exists(), target
        assert not anchor or anchor in anchors(file), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_nothing_is_exclaimed(page: Path) -> None:
    assert "!" not in prose(page)


def test_every_test_that_the_guarantees_name_is_there() -> None:
    text = (ROOT / "docs" / "guarantees.md").read_text()
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text)
    assert named
    missing = [
        f"{file}::{test}"
        for file, test in named
        if not (ROOT / file).exists() or f"def {test}(" not in (ROOT / file).read_text()
    ]
    assert missing == []


def test_every_file_that_a_page_names_is_there() -> None:
    rooms = "recovery|handlers|mailgun|storage|drill|docs|requirements|tests"
    for page in PAGES:
        for name in re.findall(rf"`((?:{rooms})/[\w/.-]*)`", page.read_text()):
            assert (ROOT / name).exists(), f"{page.name}: {name}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_names_in_a_file_is_there(page: Path) -> None:
    text = re.sub(r"\s+", " ", page.read_text())
    for names, path in re.findall(r"((?:`\w+`(?:, | and )?)+) in `([\w/]+\.py)`", text):
        source = (ROOT / path).read_text()
        for name in re.findall(r"`(\w+)`", names):
            assert re.search(rf"(?:def|class) {name}\b|^\s*{name}\b", source, re.MULTILINE), f"{name} in {path}"
