"""The steps of Mailgun's procedure. Adding one is a file here and a line in the list."""

import difflib

from recovery.errors import Missing
from recovery.step import Step
from recovery.steps.api_keys import ApiKeys
from recovery.steps.investigate import Investigate
from recovery.steps.note import Note
from recovery.steps.passwords import Passwords
from recovery.steps.queued_mail import QueuedMail
from recovery.steps.smtp_credentials import SmtpCredentials
from recovery.steps.tell_support import TellSupport
from recovery.steps.two_factor import TwoFactor

STEPS: tuple[Step, ...] = (
    Investigate(),
    ApiKeys(),
    SmtpCredentials(),
    Passwords(),
    TwoFactor(),
    TellSupport(),
    Note(),
    QueuedMail(),
)


def step_called(word: str) -> Step | None:
    """The step of that number, kind or name, as somebody typed it."""
    word = word.lower().strip(".:")
    for step in STEPS:
        if word in (str(step.number), f"step{step.number}", f"step-{step.number}", step.kind, *step.names):
            return step
    return None


def step_of_kind(kind: str) -> Step:
    """The step of that kind. Raises `Missing` for a kind that this version does not have."""
    for step in STEPS:
        if step.kind == kind:
            return step
    raise Missing(f"there is no step of the kind {kind}")


def near_steps(word: str) -> list[str]:
    """Step names that look like the word, for an answer that asks back."""
    return difflib.get_close_matches(word.lower(), [name for step in STEPS for name in step.names], n=2)
