"""What a step would touch, part by part, and which of it is left out: chosen in its message before it is approved."""

from collections.abc import Set

from recovery.actions import Ask
from recovery.content import Button, Row
from recovery.state import Json, StepState, StepStatus
from recovery.step import Step, left_out
from recovery.text import Line, decapitalised, line

MOST_ROWS = 15
"""With more parts than that a card has no button for each: they are typed."""

CHOOSABLE = (StepStatus.WAITING, StepStatus.SKIPPED)
"""While a step may be approved, its parts may be chosen."""


def facts_with_left_out(state: StepState, parts: Set[str]) -> dict[str, Json]:
    """The step's facts with these parts left out, and no others."""
    kept: list[Json] = [*sorted(parts)]
    return {**state.facts, "left_out": kept}


def included(step: Step, state: StepState) -> dict[str, str]:
    """The parts that are not left out, each with its words."""
    out = left_out(state)
    return {key: words for key, words in step.parts(state).items() if key not in out}


def nothing_is_left(step: Step, state: StepState) -> bool:
    """Whether every part of a step that has parts is left out."""
    return bool(step.parts(state)) and not included(step, state)


def everything_is_left_out(step: Step) -> Line:
    """The answer to whoever would begin such a step."""
    return line(f"Everything in {step.label} is left out. Include a part of it, or skip the step with a reason.")


def parts_meant(step: Step, state: StepState, word: str) -> list[str]:
    """The parts that a button's key or a typed word means."""
    parts = step.parts(state)
    word = word.strip()
    if word in parts:
        return [word]
    return [
        key
        for key, words in parts.items()
        if word.lower() in (key.lower(), words.lower()) or step.subject_matches(key, word)
    ]


def part_rows(step: Step, state: StepState) -> tuple[Row, ...]:
    """A line for each part with its button, while they may be chosen and are few enough."""
    parts = step.parts(state)
    if state.status not in CHOOSABLE or len(parts) > MOST_ROWS:
        return ()
    return tuple(_row(step, state, key, words) for key, words in parts.items())


def _row(step: Step, state: StepState, key: str, words: str) -> Row:
    about = {**step.about(state), "part": key}
    if key in left_out(state):
        return Row(line(f"☐ {words} (left out)"), (Button(Ask.INCLUDE, "Include", about),))
    return Row(line(f"☑ {step.part_says(state, key)}"), (Button(Ask.LEAVE_OUT, "Leave out", about),))


def left_out_titles(step: Step, state: StepState) -> list[str]:
    """How the parts are called that were left out, as they stand in the middle of a sentence."""
    return [decapitalised(words) for key, words in step.parts(state).items() if key in left_out(state)]
