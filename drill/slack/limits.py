"""Slack's limits on blocks and modals: every number that it enforces, in one place.

The block types and elements here are those that this practice Slack knows; every other is refused as
``unsupported type``, as Slack refuses what it does not know.
"""

from collections.abc import Iterator

from drill.slack.errors import SlackError
from drill.slack.inputs import options_of, places
from drill.slack.model import JsonObject
from drill.slack.rules import Flag, Items, Number, OneOf, Problems, Shape, String, Typed, plain, text

TEXT = 40_000
MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100
# Undocumented: somewhere between 9,600 and 11,300 (bolt-js issues 2509 and 2867).
BLOCK_CHARACTERS = 11_000
SECTION_TEXT = 3000
FIELDS, FIELD_TEXT = 10, 2000
HEADER_TEXT = 150
CONTEXT_ELEMENTS = 10
ACTIONS_ELEMENTS = 25
BLOCK_ID = ACTION_ID = 255
BUTTON_TEXT, BUTTON_VALUE = 75, 2000
OPTIONS, OPTION_TEXT, OPTION_VALUE = 100, 75, 150
URL = 3000
CONFIRM_TITLE, CONFIRM_TEXT, CONFIRM_BUTTON = 100, 300, 30
INPUT_LABEL, INPUT_LENGTH, PLACEHOLDER = 2000, 3000, 150
MODAL_TITLE = MODAL_BUTTON = 24
CALLBACK_ID, PRIVATE_METADATA = 255, 3000
# Documented only by what it answers: a rich text is one block, and only the whole message is measured.
RICH_TEXT_PIECE, RICH_TEXT_PIECES = BLOCK_CHARACTERS, 1000

_ACTION = {"action_id": String(ACTION_ID)}
_CONFIRM = Shape(
    {
        "title": plain(CONFIRM_TITLE),
        "text": text(CONFIRM_TEXT),
        "confirm": plain(CONFIRM_BUTTON),
        "deny": plain(CONFIRM_BUTTON),
    },
    {"style": OneOf("primary", "danger")},
)
_CONFIRMED = _ACTION | {"confirm": _CONFIRM}
_FOCUS = {"focus_on_load": Flag()}
_PLACEHOLDER = {"placeholder": plain(PLACEHOLDER)}
# What can be ticked may be marked up; what stands in a menu is plain.
_TICK = Shape({"text": text(OPTION_TEXT), "value": String(OPTION_VALUE)}, {"description": text(OPTION_TEXT)})
_OPTION = Shape({"text": plain(OPTION_TEXT), "value": String(OPTION_VALUE)}, {"description": plain(OPTION_TEXT)})
_LINKED = Shape(_OPTION.required, {**_OPTION.optional, "url": String(URL)})
_GROUP = Shape({"label": plain(OPTION_TEXT), "options": Items(_OPTION, OPTIONS)})

_ELEMENTS = Typed(
    button=Shape(
        {"text": plain(BUTTON_TEXT)},
        _CONFIRMED
        | {
            "value": String(BUTTON_VALUE),
            "url": String(URL),
            "style": OneOf("primary", "danger"),
            "accessibility_label": String(75),
        },
    ),
    static_select=Shape(
        {},
        _CONFIRMED
        | _FOCUS
        | _PLACEHOLDER
        | {"options": Items(_OPTION, OPTIONS), "option_groups": Items(_GROUP, OPTIONS), "initial_option": _OPTION},
        any_of=("options", "option_groups"),
    ),
    users_select=Shape({}, _CONFIRMED | _FOCUS | _PLACEHOLDER | {"initial_user": String(255)}),
    overflow=Shape({"options": Items(_LINKED, 5)}, _CONFIRMED),
    checkboxes=Shape({"options": Items(_TICK, 10)}, _CONFIRMED | _FOCUS | {"initial_options": Items(_TICK, 10)}),
    radio_buttons=Shape({"options": Items(_TICK, 10)}, _CONFIRMED | _FOCUS | {"initial_option": _TICK}),
    plain_text_input=Shape(
        {},
        _ACTION
        | _FOCUS
        | _PLACEHOLDER
        | {
            "multiline": Flag(),
            "initial_value": String(INPUT_LENGTH, at_least=0),
            "min_length": Number(0, INPUT_LENGTH),
            "max_length": Number(1, INPUT_LENGTH),
        },
    ),
    image=Shape({"image_url": String(URL), "alt_text": String(2000)}),
)
_ACTIVE = _ELEMENTS.only("button", "static_select", "users_select", "overflow", "checkboxes", "radio_buttons")
_INPUTS = _ELEMENTS.only("plain_text_input", "static_select", "users_select", "checkboxes", "radio_buttons")
_ACCESSORIES = _ELEMENTS.only(*_ACTIVE.shapes, "image")
_CONTEXT = Typed()
_CONTEXT.shapes = text(SECTION_TEXT).shapes | _ELEMENTS.only("image").shapes

_STYLE = {"style": Shape({}, {name: Flag() for name in ("bold", "italic", "strike", "code")})}
_PIECE = String(RICH_TEXT_PIECE)
_INLINE = Typed(
    text=Shape({"text": _PIECE}, _STYLE),
    link=Shape({"url": String(URL)}, _STYLE | {"text": _PIECE, "unsafe": Flag()}),
    user=Shape({"user_id": String(255)}, _STYLE),
    usergroup=Shape({"usergroup_id": String(255)}, _STYLE),
    channel=Shape({"channel_id": String(255)}, _STYLE),
    emoji=Shape({"name": String(255)}, _STYLE | {"unicode": String(255)}),
    broadcast=Shape({"range": OneOf("here", "channel", "everyone")}, _STYLE),
)
_PIECES = {"elements": Items(_INLINE, RICH_TEXT_PIECES)}
_SECTION = Typed(rich_text_section=Shape(_PIECES))
_RICH_TEXT = Typed(
    rich_text_section=Shape(_PIECES),
    rich_text_quote=Shape(_PIECES, {"border": Number(0, 1)}),
    rich_text_preformatted=Shape(
        {"elements": Items(_INLINE.only("text", "link"), RICH_TEXT_PIECES)},
        {"border": Number(0, 1), "language": String(255)},
    ),
    rich_text_list=Shape(
        {"style": OneOf("bullet", "ordered"), "elements": Items(_SECTION, RICH_TEXT_PIECES)},
        {"indent": Number(0, 8), "offset": Number(0, 10_000), "border": Number(0, 1)},
    ),
)

_BLOCK_ID = {"block_id": String(BLOCK_ID)}
_BLOCKS = Typed(
    section=Shape(
        {},
        _BLOCK_ID
        | {
            "text": text(SECTION_TEXT),
            "fields": Items(text(FIELD_TEXT), FIELDS),
            "accessory": _ACCESSORIES,
            "expand": Flag(),
        },
        any_of=("text", "fields"),
    ),
    header=Shape({"text": plain(HEADER_TEXT)}, _BLOCK_ID),
    divider=Shape({}, _BLOCK_ID),
    image=Shape({"image_url": String(URL), "alt_text": String(2000)}, _BLOCK_ID | {"title": plain(2000)}),
    context=Shape({"elements": Items(_CONTEXT, CONTEXT_ELEMENTS)}, _BLOCK_ID),
    actions=Shape({"elements": Items(_ACTIVE, ACTIONS_ELEMENTS)}, _BLOCK_ID),
    rich_text=Shape({"elements": Items(_RICH_TEXT, RICH_TEXT_PIECES, at_least=0)}, _BLOCK_ID),
    input=Shape(
        {"label": plain(INPUT_LABEL), "element": _INPUTS},
        _BLOCK_ID | {"hint": plain(INPUT_LABEL), "optional": Flag(), "dispatch_action": Flag()},
    ),
)
_VIEW = Typed(
    modal=Shape(
        {"title": plain(MODAL_TITLE), "blocks": Items(_BLOCKS, VIEW_BLOCKS)},
        {
            "submit": plain(MODAL_BUTTON),
            "close": plain(MODAL_BUTTON),
            "private_metadata": String(PRIVATE_METADATA, at_least=0),
            "callback_id": String(CALLBACK_ID, at_least=0),
            "external_id": String(255, at_least=0),
            "clear_on_close": Flag(),
            "notify_on_close": Flag(),
            "submit_disabled": Flag(),
        },
    )
)


def check_text(message_text: str) -> None:
    """Raise ``msg_too_long`` for more text than a message may have."""
    if len(message_text) > TEXT:
        raise SlackError("msg_too_long")


def check_message_blocks(blocks: object) -> list[JsonObject]:
    """The blocks, if Slack would take them in a message.

    Raises ``invalid_blocks``, with a message for each thing that is wrong, or ``msg_blocks_too_long``.
    """
    problems = Problems()
    Items(_BLOCKS, MESSAGE_BLOCKS, at_least=0).check(blocks, "/blocks", problems)
    checked = _sound_blocks(blocks, problems, "invalid_blocks")
    used = sum(characters(block) for block in checked)
    if used > BLOCK_CHARACTERS:
        raise SlackError(
            "msg_blocks_too_long",
            f"[ERROR] {used} characters over all blocks, no more than {BLOCK_CHARACTERS} allowed "
            "[json-pointer:/blocks]",
        )
    return checked


def check_view(view: object) -> JsonObject:
    """The view, if Slack would open it as a modal; raises ``invalid_arguments`` with what is wrong."""
    problems = Problems()
    _VIEW.check(view, "/view", problems)
    if problems.messages or not isinstance(view, dict):
        raise SlackError("invalid_arguments", *problems.messages)
    blocks = _sound_blocks(view["blocks"], problems, "invalid_arguments")
    if "submit" not in view and any(block["type"] == "input" for block in blocks):
        problems.add("missing required field: submit, as there is an input block", "/view")
        raise SlackError("invalid_arguments", *problems.messages)
    return view


def characters(part: object) -> int:
    """How many characters of text a part of a message shows: all its texts, and links without one."""
    if isinstance(part, list):
        return sum(characters(item) for item in part)
    if not isinstance(part, dict):
        return 0
    shown = part.get("text")
    own = len(shown) if isinstance(shown, str) else 0
    if part.get("type") == "link" and not own:
        own = len(str(part.get("url", "")))
    return own + sum(characters(value) for value in part.values())


def _sound_blocks(blocks: object, problems: Problems, code: str) -> list[JsonObject]:
    if not problems.messages and isinstance(blocks, list):
        _check_unique("block_id", enumerate(blocks), "/blocks", problems)
        _check_initial(blocks, problems)
        for index, block in enumerate(blocks):
            if block["type"] == "actions":
                where = f"/blocks/{index}/elements"
                _check_unique("action_id", enumerate(block["elements"]), where, problems)
    if problems.messages or not isinstance(blocks, list):
        raise SlackError(code, *problems.messages)
    return blocks


def _check_initial(blocks: list[JsonObject], problems: Problems) -> None:
    for index, block in enumerate(blocks):
        for place in places([block]):
            initial = place.element.get("initial_option")
            if initial is not None and initial not in options_of(place.element):
                problems.add("`initial_option` must be one of the options", f"/blocks/{index}")


def _check_unique(name: str, parts: Iterator[tuple[int, JsonObject]], at: str, problems: Problems) -> None:
    seen: set[str] = set()
    for index, part in parts:
        value = part.get(name)
        if value in seen:
            problems.add(f"`{name}` must be unique: {value}", f"{at}/{index}/{name}")
        elif value is not None:
            seen.add(value)
