"""What people enter: from the words of an order to the `state.values` of Slack's payloads."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from drill.orders import OrderError
from drill.slack.model import JsonObject

_MULTIPLE = "checkboxes"
_CHOICES = ("static_select", "radio_buttons")
_PEOPLE = "users_select"
_STATEFUL = ("plain_text_input", _PEOPLE, _MULTIPLE, *_CHOICES)


@dataclass(frozen=True)
class Place:
    """An element that something can be done with, and the block it stands in."""

    block: JsonObject
    element: JsonObject

    @property
    def block_id(self) -> str:
        return str(self.block["block_id"])

    @property
    def action_id(self) -> str:
        return str(self.element["action_id"])


def places(blocks: list[JsonObject]) -> Iterator[Place]:
    """Every interactive element of some blocks, in the order in which they are shown."""
    for block in blocks:
        if block["type"] == "actions":
            yield from (Place(block, element) for element in block["elements"])
        elif block["type"] == "input":
            yield Place(block, block["element"])
        elif block.get("accessory", {}).get("type", "image") != "image":
            yield Place(block, block["accessory"])


def options_of(element: JsonObject) -> list[JsonObject]:
    """The options of an element, those in groups included."""
    grouped = [option for group in element.get("option_groups", []) for option in group["options"]]
    return [*element.get("options", []), *grouped]


def option(element: JsonObject, value: object) -> JsonObject:
    """The option with that value.

    Raises:
        OrderError: the element offers no such option.
    """
    for candidate in options_of(element):
        if candidate["value"] == value:
            return candidate
    offered = ", ".join(str(candidate["value"]) for candidate in options_of(element))
    raise OrderError(f"there is no option {value!r} in {element['action_id']}; there are: {offered}")


def with_choice(entered: Mapping[str, object], place: Place, value: str | None) -> Mapping[str, object]:
    """What was entered, and with it what is chosen now: Slack's `state` has both."""
    if value is None or place.element["type"] not in _STATEFUL:
        return entered
    beside = entered.get(place.block_id)
    held = beside if isinstance(beside, dict) else {}
    return {**entered, place.block_id: {**held, place.action_id: value}}


def state_values(blocks: list[JsonObject], entered: Mapping[str, object]) -> JsonObject:
    """The `state.values` for what was entered, as `{block_id: value}` or `{block_id: {action_id: value}}`.

    What was not entered has the element's initial value.

    Raises:
        OrderError: something was entered where there is nothing to enter it, or a choice is not offered.
    """
    fillable = [place for place in places(blocks) if place.element["type"] in _STATEFUL]
    unknown = set(entered) - {place.block_id for place in fillable}
    if unknown:
        raise OrderError(f"there is nothing to enter in the block {', '.join(sorted(unknown))}")
    values: JsonObject = {}
    for place in fillable:
        given = entered.get(place.block_id)
        if isinstance(given, dict):
            strange = set(given) - {other.action_id for other in fillable if other.block is place.block}
            if strange:
                raise OrderError(f"the block {place.block_id} has no {', '.join(sorted(strange))}")
            given = given.get(place.action_id)
        values.setdefault(place.block_id, {})[place.action_id] = _entered(place.element, given)
    return values


def missing_inputs(blocks: list[JsonObject], values: JsonObject) -> dict[str, str]:
    """What Slack itself complains about before it submits a form, by block id."""
    complaints = {}
    for place in places(blocks):
        if place.block["type"] != "input":
            continue
        held = values[place.block_id][place.action_id]
        given = next((held[key] for key in held if key != "type"), None)
        length = len(given) if isinstance(given, str) else 0
        if not given:
            if not place.block.get("optional", False):
                complaints[place.block_id] = "Please complete this required field."
        elif length and length < place.element.get("min_length", 0):
            complaints[place.block_id] = "Please use more characters."
        elif length > place.element.get("max_length", length):
            complaints[place.block_id] = "Please use fewer characters."
    return complaints


def _entered(element: JsonObject, given: object) -> JsonObject:
    kind = element["type"]
    if kind == _MULTIPLE:
        chosen = element.get("initial_options", [])
        if given is not None:
            chosen = [option(element, value) for value in (given if isinstance(given, list) else [given])]
        return {"type": kind, "selected_options": chosen}
    if kind in _CHOICES:
        initial = element.get("initial_option")
        return {"type": kind, "selected_option": initial if given is None else option(element, given)}
    name, initial_name = ("selected_user", "initial_user") if kind == _PEOPLE else ("value", "initial_value")
    if given is not None and not isinstance(given, str):
        raise OrderError(f"{element['action_id']} takes a text")
    return {"type": kind, name: element.get(initial_name) if given is None else given or None}
