"""What nobody in Slack sends, generated: payloads of every kind with something in them changed for anything."""

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any
from urllib.parse import quote_plus, urlencode

from hypothesis import strategies as st

from tests.handlers.http.http_door import choice_payload, click_payload, command_fields, form_payload

KEY = "key-fedcba9876543210fedcba9876543210"
"""A secret that people put wherever they can write."""

Path = tuple[str | int, ...]
_GONE = object()

odd_text = st.one_of(
    st.text(st.characters(exclude_categories=()), max_size=40),
    st.sampled_from(["", "\x00", "\ud800", "U" * 5000, "<!channel>", "' OR 1=1 --", "../..", "null", "0"]),
)
anything = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.just(10**400), odd_text, st.sampled_from([[], {}])
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(odd_text, inner, max_size=3)),
    max_leaves=6,
)

KINDS = (
    "block_actions",
    "view_submission",
    "view_closed",
    "block_suggestion",
    "shortcut",
    "message_action",
    "interactive_message",
    "dialog_submission",
    "dialog_cancellation",
    "dialog_suggestion",
    "workflow_step_edit",
    "event_callback",
    "app_rate_limited",
)


def paths(thing: Any, start: Path = ()) -> Iterator[Path]:
    """The place of every part of some JSON."""
    yield start
    inner = thing.items() if isinstance(thing, dict) else enumerate(thing) if isinstance(thing, list) else ()
    for name, part in inner:
        yield from paths(part, (*start, name))


def changed(thing: Any, path: Path, value: object) -> Any:
    """A copy with another value there, or with nothing."""
    if not path:
        return None if value is _GONE else value
    copy = deepcopy(thing)
    place = copy
    for name in path[:-1]:
        place = place[name]
    if value is _GONE:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return copy


def spoken() -> list[dict[str, Any]]:
    """Clicks, choices and forms as Slack sends them, the secret wherever people's words are."""
    click = click_payload()
    click["message"]["text"] = KEY
    click["state"]["values"] = {"b": {"a": {"type": "plain_text_input", "value": KEY}}}
    opening, choice = click_payload("skip", step="3"), choice_payload()
    opening["message"]["text"] = choice["message"]["text"] = KEY
    return [click, opening, choice, form_payload(f"it was {KEY}")]


@st.composite
def interactions(draw: st.DrawFn) -> bytes:
    """A click, a choice or a form with up to four parts changed, gone or of another type."""
    content: Any = draw(st.sampled_from(spoken()))
    if draw(st.booleans()):
        content = content | {"type": draw(st.one_of(st.sampled_from(KINDS), odd_text))}
    for _ in range(draw(st.integers(0, 4))):
        path = draw(st.sampled_from(list(paths(content))))
        content = changed(content, path, draw(st.one_of(st.just(_GONE), anything)))
    return urlencode({"payload": json.dumps(content)}).encode()


@st.composite
def commands(draw: st.DrawFn) -> bytes:
    """A command with some of its fields changed, gone, or there twice."""
    fields = list(command_fields(f"approve 1, it was {KEY}").items())
    for _ in range(draw(st.integers(0, 4))):
        number = draw(st.integers(0, len(fields) - 1))
        how = draw(st.sampled_from(["gone", "changed", "twice"]))
        if how == "gone" and len(fields) > 1:
            del fields[number]
        elif how == "changed":
            fields[number] = (fields[number][0], draw(odd_text))
        else:
            fields.append((fields[number][0], draw(odd_text)))
    return "&".join(f"{name}={quote_plus(value, errors='surrogatepass')}" for name, value in fields).encode()


bodies = st.one_of(
    interactions(),
    commands(),
    st.binary(max_size=200),
    anything.map(lambda content: json.dumps(content).encode()),
    anything.map(lambda content: urlencode({"payload": json.dumps(content)}).encode()),
    st.binary(max_size=200).map(lambda junk: b"payload=" + junk),
)
