"""Small composable checks of Block Kit JSON. ``limits`` builds Slack's limits out of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


class Problems:
    """What was found wrong, each with the JSON pointer that Slack adds to its messages."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def add(self, what: str, at: str) -> None:
        """Note one problem."""
        self.messages.append(f"[ERROR] {what} [json-pointer:{at}]")


class Rule(Protocol):
    """Something that a value must satisfy."""

    def check(self, value: object, at: str, problems: Problems) -> None:
        """Note in ``problems`` whatever is wrong with ``value``, which stands at ``at``."""


@dataclass(frozen=True)
class String:
    """A string of a length within limits."""

    at_most: int
    at_least: int = 1

    def check(self, value: object, at: str, problems: Problems) -> None:
        if not isinstance(value, str):
            problems.add("must provide a string", at)
        elif len(value) > self.at_most:
            problems.add(f"must be less than {self.at_most + 1} characters", at)
        elif len(value) < self.at_least:
            problems.add(f"must be more than {self.at_least - 1} characters", at)


@dataclass(frozen=True)
class Flag:
    """A boolean."""

    def check(self, value: object, at: str, problems: Problems) -> None:
        if not isinstance(value, bool):
            problems.add("must provide a boolean", at)


@dataclass(frozen=True)
class Number:
    """A whole number within limits."""

    at_least: int
    at_most: int

    def check(self, value: object, at: str, problems: Problems) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            problems.add("must provide a number", at)
        elif not self.at_least <= value <= self.at_most:
            problems.add(f"must be between {self.at_least} and {self.at_most}", at)


class OneOf:
    """One of a few words."""

    def __init__(self, *choices: str) -> None:
        self.choices = choices

    def check(self, value: object, at: str, problems: Problems) -> None:
        if value not in self.choices:
            problems.add(f"must be one of: {', '.join(self.choices)}", at)


@dataclass(frozen=True)
class Items:
    """A list of a length within limits, each item by the same rule."""

    of: Rule
    at_most: int
    at_least: int = 1

    def check(self, value: object, at: str, problems: Problems) -> None:
        if not isinstance(value, list):
            problems.add("must provide an array", at)
            return
        if len(value) > self.at_most:
            problems.add(f"no more than {self.at_most} items allowed", at)
        elif len(value) < self.at_least:
            problems.add(f"no fewer than {self.at_least} items allowed", at)
        for index, item in enumerate(value):
            self.of.check(item, f"{at}/{index}", problems)


@dataclass(frozen=True)
class Shape:
    """An object with these fields and no others; of ``any_of``, one at least must be there."""

    required: Mapping[str, Rule]
    optional: Mapping[str, Rule] = field(default_factory=dict)
    any_of: tuple[str, ...] = ()

    def check(self, value: object, at: str, problems: Problems) -> None:
        if not isinstance(value, dict):
            problems.add("must provide an object", at)
            return
        for name in self.required:
            if name not in value:
                problems.add(f"missing required field: {name}", at)
        if self.any_of and not any(name in value for name in self.any_of):
            problems.add(f"missing required field: one of {', '.join(self.any_of)}", at)
        for name, item in value.items():
            rule = self.required.get(name) or self.optional.get(name)
            if rule is None:
                problems.add(f"invalid additional property: {name}", at)
            else:
                rule.check(item, f"{at}/{name}", problems)


class Typed:
    """An object whose ``type`` says which shape it must have."""

    def __init__(self, **shapes: Shape) -> None:
        self.shapes = {
            kind: Shape({"type": OneOf(kind), **shape.required}, shape.optional, shape.any_of)
            for kind, shape in shapes.items()
        }

    def check(self, value: object, at: str, problems: Problems) -> None:
        if not isinstance(value, dict):
            problems.add("must provide an object", at)
        elif "type" not in value:
            problems.add("missing required field: type", at)
        elif (kind := str(value["type"])) not in self.shapes:
            problems.add(f"unsupported type: {kind}", f"{at}/type")
        else:
            self.shapes[kind].check(value, at, problems)

    def only(self, *kinds: str) -> "Typed":
        """The same, with only these types allowed."""
        chosen = Typed()
        chosen.shapes = {kind: self.shapes[kind] for kind in kinds}
        return chosen


def text(at_most: int) -> Typed:
    """A text object of either kind."""
    return Typed(
        plain_text=Shape({"text": String(at_most)}, {"emoji": Flag()}),
        mrkdwn=Shape({"text": String(at_most)}, {"verbatim": Flag()}),
    )


def plain(at_most: int) -> Typed:
    """A ``plain_text`` object, where Slack takes no other."""
    return text(at_most).only("plain_text")
