"""How content is drawn: within Slack's limits, and without letting anything from outside out of its place."""

import json
import re
from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from drill.slack.limits import check_message_blocks, check_text
from handlers import blocks
from handlers.blocks.buttons import pressed
from handlers.blocks.text import mrkdwn, paragraphs
from recovery.audit import Action, Actor, AuditEntry, AuditFacts
from recovery.content import (
    Button,
    Card,
    Confirm,
    Content,
    Menu,
    Option,
    Row,
    SecretGroup,
    SecretItem,
    SecretsMessage,
    Style,
    Trail,
)
from recovery.finding_cards import row
from recovery.findings import Finding, FindingStatus
from recovery.holdings import Trace
from recovery.secret import Secret, new_password
from recovery.text import Bold, Channel, Code, Line, Link, When, Who, line, sentence

AT = datetime(2026, 11, 24, 7, 12, tzinfo=UTC)

texts = st.text(max_size=200)
parts = st.one_of(
    texts,
    st.builds(Who, texts),
    st.builds(Channel, texts),
    st.builds(Link, texts | texts.map("https://example.com/{}".format), texts),
    st.builds(Code, texts),
    st.builds(Bold, texts),
    st.builds(When, st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))),
)
lines = st.lists(parts, max_size=8).map(tuple)
buttons = st.builds(
    Button,
    action=st.sampled_from(["approve", "skip", "form_failed"]),
    label=texts,
    about=st.dictionaries(st.text(max_size=10), texts, max_size=3),
    style=st.sampled_from(Style),
    confirm=st.none() | st.builds(Confirm, texts, texts, texts, texts),
)
menus = st.builds(
    Menu,
    action=st.sampled_from(["later", "identify"]),
    label=texts,
    about=st.dictionaries(st.text(max_size=10), texts, max_size=3),
    options=st.lists(st.builds(Option, texts, texts), max_size=5).map(tuple),
)
controls = st.lists(buttons | menus, max_size=8).map(tuple)
cards = st.builds(
    Card,
    notification=texts,
    title=st.none() | texts,
    lines=st.lists(lines, max_size=20).map(tuple),
    paste=st.none() | st.text(max_size=9000),
    rows=st.lists(st.builds(Row, lines, controls), max_size=70).map(tuple),
    buttons=st.lists(buttons | menus, max_size=40).map(tuple),
    footer=st.none() | lines,
)


def accepted(content: Content) -> blocks.Rendered:
    """The content as it is drawn, once a strict Slack has taken it."""
    drawn = blocks.render(content)
    check_text(drawn.text)
    check_message_blocks(drawn.blocks)
    return drawn


def entry(facts: AuditFacts, number: int = 1) -> AuditEntry:
    return AuditEntry(1, number, AT, facts, "0" * 64)


@given(lines)
def test_only_our_own_parts_become_markup(one: Line) -> None:
    written = mrkdwn(one)
    inside = re.findall(r"<([^<>]*)>", written)

    assert written.count("<") == written.count(">") == len(inside)
    for reference in inside:
        assert re.match(r"@[UW][A-Z0-9]+$|#[CDG][A-Z0-9]+$|https?://[^|\s]+(\||$)|!date\^", reference)
    assert len(written) <= 3000


@pytest.mark.parametrize("name", ["<!channel>", "<!here|x>", "<@U123>", "a & b", "<https://x|y>"])
def test_a_name_from_outside_pages_nobody(name: str) -> None:
    card = Card(name, name, (line(name, Code(name), Bold(name), Who(name), Link(name, name)),))
    drawn = accepted(card)

    assert name not in drawn.text
    assert name not in json.dumps(drawn.blocks[1:])


def test_code_cannot_be_left() -> None:
    assert mrkdwn(line(Code("a` <!channel> *b*\n`c"))) == "`aˋ &lt;!channel&gt; *b* ˋc`"  # noqa: RUF001  # the grave accent that stands in


def test_a_link_is_only_a_web_address() -> None:
    assert mrkdwn(line(Link("https://x.example/a b|c>", "a|b"))) == "<https://x.example/a%20b%7Cc%3E|a¦b>"
    assert mrkdwn(line(Link("javascript:alert(1)", "here"))) == "here"


def test_a_moment_is_shown_in_the_readers_time() -> None:
    assert mrkdwn(line(When(AT))) == (
        f"<!date^{int(AT.timestamp())}^{{date_short_pretty}} {{time}}|2026-11-24 07:12 UTC>"
    )


@given(lines, st.integers(10, 400))
@example(("12345", Link("https://x.example", "y"), "", "0"), 26)
def test_a_long_line_is_cut_between_entities(one: Line, most: int) -> None:
    written = mrkdwn(one, most)

    assert len(written) <= most
    for entity in re.findall(r"&[^;&]*;?", written):
        assert re.match(r"&(amp|lt|gt);", entity) or "http" in written
    assert written.count("<") == written.count(">")


@given(st.lists(st.text(max_size=3000), max_size=20))
def test_paragraphs_are_never_too_long(written: list[str]) -> None:
    assert all(len(text.strip()) > 0 and len(text) <= 3000 for text in paragraphs(written))


@settings(max_examples=200, deadline=None)
@given(cards)
def test_every_card_is_taken(card: Card) -> None:
    accepted(card)
    assert blocks.measure(card) <= 9000


def test_a_card_that_is_too_long_says_how_much_is_missing() -> None:
    rows = tuple(Row(line(f"login {number}")) for number in range(120))
    drawn = accepted(Card("n", "Logins", rows=rows, buttons=(Button("retry", "Retry"),)))

    shown = sum("login" in json.dumps(block) for block in drawn.blocks)
    assert f"{120 - shown} lines more did not fit" in json.dumps(drawn.blocks)
    assert len(drawn.blocks) == 50
    assert drawn.blocks[-1]["type"] == "actions"


def test_a_button_comes_back_as_it_was_drawn() -> None:
    about = {"step": "1", "version": "4", "ünï": "<&>"}
    drawn = accepted(Card("n", rows=(Row(line("x"), (Button("skip", "Skip", about),)),)))
    button = drawn.blocks[0]["accessory"]
    click = pressed(button["action_id"], button["value"])

    assert click is not None
    assert (click.action, click.about) == ("skip", about)


def test_action_ids_are_unique_in_a_message() -> None:
    one = Button("check", "Check now")
    drawn = accepted(Card("n", rows=(Row(line("x"), (one,)), Row(line("y"), (one, one))), buttons=(one,) * 7))
    ids = re.findall(r'"action_id": "([^"]+)"', json.dumps(drawn.blocks))

    assert len(ids) == len(set(ids)) == 10


def test_a_confirmation_is_cut_to_what_slack_takes() -> None:
    question = Confirm("t" * 200, "x" * 500, "y" * 50)
    drawn = accepted(Card("n", buttons=(Button("approve", "b" * 90, style=Style.DANGER, confirm=question),)))
    confirm = drawn.blocks[0]["elements"][0]["confirm"]

    assert len(confirm["text"]["text"]) == 300
    assert confirm["style"] == "danger"


def test_the_trail_reads_as_sentences() -> None:
    drawn = accepted(
        Trail(
            (
                entry(AuditFacts("UOLIVIA", Action.APPROVED, "Step 1: Reset the keys")),
                entry(AuditFacts(Actor.BOT, Action.KEY_DELETED, "<!channel>", "404 & gone"), 2),
                entry(AuditFacts(Actor.MAILGUN, Action.RECOVERED), 3),
            )
        )
    )
    text = drawn.blocks[0]["elements"][0]["text"].split("\n")

    assert text[0].endswith("<@UOLIVIA> approved Step 1: Reset the keys")
    assert text[1].endswith("The bot deleted the old key &lt;!channel&gt; — 404 &amp; gone")
    assert text[2].endswith("Mailgun declared the account recovered")
    assert drawn.text == "<@UOLIVIA> approved Step 1: Reset the keys (and 2 entries more)"


def test_the_trail_does_not_say_whose_two_factor_it_is() -> None:
    facts = AuditFacts(Actor.BOT, Action.OBLIGATION_MET, "noah@example.com", "two-factor", private=True)
    drawn = accepted(Trail((entry(facts),)))

    assert "noah" not in drawn.text + json.dumps(drawn.blocks)


@settings(deadline=None)
@given(st.lists(st.builds(AuditFacts, texts, st.sampled_from(Action), st.text(max_size=900), texts), max_size=20))
def test_twenty_entries_always_fit(facts: list[AuditFacts]) -> None:
    trail = Trail(tuple(entry(one, number) for number, one in enumerate(facts)))
    accepted(trail)
    assert blocks.measure(trail) <= 9000


@given(st.lists(st.tuples(texts, st.lists(texts, min_size=1, max_size=5)), max_size=60), texts)
def test_secrets_stand_in_preformatted_text_only(groups: list[tuple[str, list[str]]], words: str) -> None:
    secrets = {label: new_password() for _, labels in groups for label in labels}
    message = SecretsMessage(
        words,
        words,
        (line(words),),
        tuple(
            SecretGroup(heading, tuple(SecretItem(label, secrets[label]) for label in labels))
            for heading, labels in groups
        ),
    )
    drawn = blocks.render(message)
    preformatted = [
        piece["text"]
        for block in drawn.blocks
        if block["type"] == "rich_text"
        for element in block["elements"]
        if element["type"] == "rich_text_preformatted"
        for piece in element["elements"]
    ]
    shown = "\n".join(preformatted).split("\n") if preformatted else []

    assert len(shown) == sum(len(labels) for _, labels in groups)
    for secret in secrets.values():
        value = secret.reveal()
        assert value not in drawn.text
        assert any(row.endswith(f"  {value}") for row in shown)
        assert json.dumps(drawn.blocks).count(value) == "\n".join(preformatted).count(value)
        assert value not in repr(drawn)


def test_sixty_domains_fit_into_one_handover() -> None:
    groups = tuple(
        SecretGroup(f"mg{number}.example.com", (SecretItem(f"postmaster@mg{number}.example.com", new_password()),))
        for number in range(60)
    )
    message = SecretsMessage("New passwords", "New SMTP passwords", (line("Save them."),), groups)

    accepted(message)
    assert 60 * 32 < blocks.measure(message) < 9000


def test_a_digest_tells_drawings_apart() -> None:
    one, other = Card("n", "One"), Card("n", "Other")

    assert blocks.digest(one) == blocks.digest(Card("n", "One"))
    assert blocks.digest(one) != blocks.digest(other)
    assert len(blocks.digest(one)) == 16


def test_a_login_with_line_ends_stays_on_its_line() -> None:
    item = SecretItem("a\nb", Secret("hunter2"))
    drawn = accepted(SecretsMessage("n", "t", (), (SecretGroup("g", (item,)),)))

    assert drawn.blocks[-1]["elements"][1]["elements"][0]["text"] == "a b  hunter2"


def test_a_findings_number_is_bold_beside_a_title_with_asterisks_of_its_own() -> None:
    """Slack takes an asterisk for the end of bold text only where no letter follows it."""
    title = 'route for match_recipient(".*@acme.example")'
    found = Finding(1, 1, 3, Trace.ROUTE, "us/1", title, ("it is new",), FindingStatus.OPEN, AT)

    assert mrkdwn(row(found).line).startswith(f"*3.* {sentence(title)}")
