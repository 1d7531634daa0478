"""The trail as a file: what each form has in it, and what it cannot be made to do."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recovery.audit import Action, Actor, AuditEntry, AuditFacts, digest
from recovery.errors import Uncertain
from recovery.export import Export, Form, harmless, names_of, user_ids, write
from tests.recovery.builders import HOUR, NOON, a_member, an_incident, entries, facts
from tests.recovery.fakes import FakeDirectory

TRAIL = entries(
    facts(Action.OPENED, actor="U-REQ", result="spam | from our\ndomains"),
    facts(Action.APPROVED, "step 1", actor="U-APP"),
    AuditFacts(
        Actor.MAILGUN, Action.OBLIGATION_MET, "Turn on two-factor authentication: ann@acme.example", private=True
    ),
    AuditFacts(Actor.PERSON, Action.OWNED, "Reset your password: bob@acme.example", private=True, whom="U-BOB"),
    facts(Action.HANDED_OVER, "3 SMTP passwords", whom="U-REQ"),
)
NAMES = {"U-REQ": "Rita", "U-APP": "Ada", "U-BOB": "Bob"}
PRIVATE = ("ann@acme.example", "bob@acme.example", "U-BOB", "Bob")


def export(*, whole: bool = True, trail: Sequence[AuditEntry] = TRAIL, **incident: object) -> Export:
    ended = an_incident(status="closed", ended_at=NOON + HOUR, **incident)
    return Export(ended, trail, NOON + 2 * HOUR, "intact in the database", whole, NAMES)


def rows(written: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(written)))


def table(written: str) -> list[dict[str, str]]:
    lines = rows(written)
    start = lines.index([]) + 1
    return [dict(zip(lines[start], line, strict=True)) for line in lines[start + 1 :]]


@pytest.mark.parametrize("form", Form)
def test_the_header_says_which_incident_when_by_whom_how_it_stands_and_that_the_chain_is_intact(form: Form) -> None:
    written = write(export(), form).replace("\\", "")

    for said in ("2026-11-24", "Rita", "U-REQ", "closed", "spam from our domains", "intact in the database"):
        assert said in written


@pytest.mark.parametrize("form", Form)
def test_a_broken_chain_is_said_in_the_header(form: Form) -> None:
    broken = replace(export(), chain="not intact: Entry 3 was changed in the database.")

    assert "not intact: Entry 3 was changed" in write(broken, form)


def test_csv_has_a_row_an_entry_with_time_who_what_on_what_result_number_and_hash() -> None:
    first, second, met, owned, handed = table(write(export(), Form.CSV))

    assert first == {
        "number": "1",
        "time (UTC)": "2026-11-24 12:00:00",
        "who": "Rita (U-REQ)",
        "what": "opened the incident",
        "on what": "",
        "whom": "",
        "result": "spam | from our domains",
        "hash": TRAIL[0].hash,
    }
    assert (second["who"], second["on what"]) == ("Ada (U-APP)", "step 1")
    assert (met["who"], met["on what"]) == ("Mailgun", "Turn on two-factor authentication: ann@acme.example")
    assert (owned["who"], owned["whom"]) == ("a person", "Bob (U-BOB)")
    assert handed["whom"] == "Rita (U-REQ)"


def test_json_is_one_document_whose_entries_can_be_hashed_again() -> None:
    document = json.loads(write(export(), Form.JSON))

    assert document["incident"]["opened_by"] == {"id": "U-REQ", "name": "Rita"}
    for entry, shown in zip(TRAIL, document["entries"], strict=True):
        fact = AuditFacts(
            shown["actor"]["id"],
            Action(shown["action"]),
            shown["subject"],
            shown["result"],
            shown["private"],
            (shown["whom"] or {"id": ""})["id"],
        )
        again = replace(entry, facts=fact, previous=shown["previous"])
        assert digest(again) == shown["hash"] == entry.hash
        assert shown["at"] == entry.at.isoformat()


def test_markdown_is_a_table_with_a_row_an_entry() -> None:
    lines = write(export(), Form.MD).splitlines()
    drawn = [line for line in lines if line.startswith("|")]

    assert len(drawn) == len(TRAIL) + 2
    assert "spam \\| from our domains" in drawn[2]
    assert {line.replace("\\|", "").count("|") for line in drawn} == {9}


def test_without_a_name_the_id_stands_alone() -> None:
    assert table(write(replace(export(), names={}), Form.CSV))[0]["who"] == "U-REQ"


# --- For the thread -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", Form)
def test_for_the_thread_private_entries_stand_without_names_and_the_file_says_so(form: Form) -> None:
    written = write(export(whole=False), form)

    assert not [name for name in PRIVATE if name in written]
    assert "shows a person's part as done" in written
    assert "without names" in written
    assert "audit export" in written


@pytest.mark.parametrize("form", Form)
def test_for_the_thread_there_is_no_hash_by_which_a_name_could_be_tried_out(form: Form) -> None:
    written = write(export(whole=False), form)

    assert not [entry.hash for entry in TRAIL if entry.hash in written]


def test_for_the_thread_times_are_to_the_second() -> None:
    exact = [replace(entry, at=entry.at + timedelta(microseconds=123456)) for entry in TRAIL]

    assert "123456" not in write(export(whole=False, trail=exact), Form.JSON)
    assert "123456" in write(export(trail=exact), Form.JSON)


# --- What a file could do -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\uff1d1", "\x00=1", "\u200b=1", "\ufeff=1"]
)
def test_a_cell_that_would_be_a_formula_is_text(cell: str) -> None:
    assert harmless(cell).startswith("'")


@pytest.mark.parametrize("cell", ["step 1", "ann@acme.example", "3 - 4", "Ünïcode", ""])
def test_an_ordinary_cell_is_left_alone(cell: str) -> None:
    assert harmless(cell) == cell


@settings(deadline=None)
@given(st.text())
def test_whatever_stands_in_a_cell_is_one_line_and_no_formula(text: str) -> None:
    found = harmless(text)

    assert "\n" not in found and "\r" not in found and "\t" not in found
    assert not found.startswith(("=", "+", "-", "@"))


@settings(deadline=None)
@given(st.text())
def test_whatever_was_said_csv_keeps_its_rows(text: str) -> None:
    trail = entries(facts(Action.NOTED, text, result=text))
    (one,) = table(write(export(trail=trail, description=text), Form.CSV))

    assert one["number"] == "1"
    assert one["hash"] == trail[0].hash


@settings(deadline=None)
@given(st.text())
def test_whatever_was_said_markdown_keeps_its_columns(text: str) -> None:
    lines = write(export(trail=entries(facts(Action.NOTED, text, result=text))), Form.MD).splitlines()
    last = lines[-1].replace("\\\\", "").replace("\\|", "")

    assert last.count("|") == 9


@settings(deadline=None)
@given(st.text())
def test_whatever_was_said_json_says_the_same(text: str) -> None:
    document = json.loads(write(export(trail=entries(facts(Action.NOTED, text, result=text))), Form.JSON))

    assert document["entries"][0]["result"] == text


# --- Names ----------------------------------------------------------------------------------------------------


def test_the_people_of_an_export_are_asked_for_once_each_and_the_bot_is_none() -> None:
    assert user_ids(an_incident(), TRAIL) == ["U-REQ", "U-APP", "U-BOB"]


def test_once_slack_cannot_be_asked_for_names_it_is_asked_no_more() -> None:
    directory, looks = FakeDirectory(), []
    directory.has(a_member("U-REQ", name="Rita"))
    assert names_of(directory, ["U-REQ", "U-GONE"], lambda: None) == {"U-REQ": "Rita"}

    directory.trouble = Uncertain("No answer came from Slack.")
    assert names_of(directory, ["U-REQ", "U-APP"], lambda: looks.append(1)) == {}
    assert looks == [1]
