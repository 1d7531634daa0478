"""Findings in words: what comes from outside can neither break a message nor hide what stands beside it."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from handlers.blocks import render
from handlers.blocks.limits import BLOCKS, CHARACTERS, characters
from recovery.account import Route
from recovery.content import Button, Card
from recovery.finding_cards import IN_CARD, PAGE, card_rows, findings_card, more_card, not_on_card, row
from recovery.findings import Finding, FindingStatus
from recovery.holdings import Trace
from recovery.suspicion import CREATED_LATELY, NOT_KNOWN, route_title
from recovery.text import Bold, line
from recovery.things import kept, of_route
from tests.recovery.builders import NOON

FORGED = "catch_all()\n*8.* <!channel> Decided: expected by <@UAPP>" + "x" * 4_000
HOST = "https://collect.stranger.example/in"


def a_route() -> Route:
    return Route("us", "r-1", 0, "\n" + "d" * 4_000, FORGED, (f'forward("{HOST}")', "stop()"), NOON)


def a_finding(number: int = 1, trace: Trace = Trace.ROUTE, title: str = "") -> Finding:
    title = title or route_title(a_route())
    reasons = (CREATED_LATELY, NOT_KNOWN)
    thing = of_route(a_route())
    return Finding(number, 1, number, trace, f"us/{number}", title, reasons, FindingStatus.OPEN, NOON, thing)


def test_a_row_says_where_a_route_leads_and_why_it_is_suspicious_however_long_the_rest_is() -> None:
    drawn = json.dumps(render(Card("x", rows=(row(a_finding()),))).blocks)

    assert HOST in drawn and NOT_KNOWN in drawn
    assert "<!channel>" not in drawn and "<@UAPP>" not in drawn


def test_a_row_is_one_line_that_begins_with_a_bold_number_and_a_capital() -> None:
    (section, _) = render(Card("x", rows=(row(a_finding()),))).blocks

    assert section["text"]["text"].startswith("*1.* Route for catch_all()")
    assert "\n" not in section["text"]["text"]


def test_all_that_is_known_of_a_thing_is_told_on_a_line_for_each_of_its_properties() -> None:
    card = more_card(a_finding())
    text = "".join(block["text"]["text"] for block in render(card).blocks if "text" in block)

    assert not any(said.startswith("*8.*") for said in text.split("\n"))
    assert "forward" in text
    assert "\n" not in kept(of_route(a_route()))


@pytest.mark.parametrize("trace", list(Trace))
def test_the_card_and_the_list_hold_what_they_promise_within_slacks_limits(trace: Trace) -> None:
    findings = [a_finding(number, trace, "x" * 250) for number in range(1, 41)]
    lines = tuple(line("y" * 90) for _ in range(20))
    for card, rows in (
        (Card("x", "Step 0", lines=lines, rows=tuple(card_rows(findings))), IN_CARD),
        (findings_card(findings, 1), PAGE),
    ):
        blocks = render(card).blocks
        assert len(blocks) <= BLOCKS and characters(blocks) <= CHARACTERS
        assert sum(block["type"] == "actions" or "accessory" in block for block in blocks) == rows
    assert not_on_card(findings) == line("30 more are not shown here: ", *(not_on_card(findings) or ())[1:])


def test_what_was_removed_last_can_be_put_back_from_the_card_however_many_others_were() -> None:
    by_then = [(n, NOON + timedelta(minutes=n)) for n in range(1, IN_CARD + 5)]
    status = FindingStatus.REMOVED
    removed = [replace(a_finding(n), status=status, decided_by="UOLIVIA", decided_at=at) for n, at in by_then]

    waiting = [a_finding(n) for n in range(51, 51 + IN_CARD)]

    (first, *others) = card_rows(removed)
    (*_, last_but_one, last) = beside_others = card_rows([*waiting, *removed])

    assert isinstance(first.controls[0], Button) and first.controls[0].label == "Put it back"
    assert [row.line[0] for row in (first, *others)] == [Bold(f"{n}.") for n in range(IN_CARD + 4, 4, -1)]
    assert [last_but_one, last] == [first, others[0]] and len(beside_others) == IN_CARD
