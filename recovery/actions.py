"""The words for what a person may ask for. Buttons, forms and typed commands use the same."""

from enum import StrEnum


class Ask(StrEnum):
    """What a request asks for; the `action` of `recovery.state.NewRequest` and of a button."""

    TYPED = "typed"
    """A slash command's text, not parsed yet: `recovery.commands.parse` says which of the others it is."""
    OPEN = "open"
    APPROVE = "approve"
    SKIP = "skip"
    RETRY = "retry"
    CANCEL = "cancel"
    STATUS = "status"
    HELP = "help"
    REISSUE = "reissue"
    TAKE_OVER = "take_over"
    """An approver becomes the requester: from then on, secrets are handed to them."""
    SAVED = "saved"
    CHECK = "check"
    MINE = "mine"
    """Answers whether a change that Mailgun shows was the person's own doing (`about["answer"]`: yes or no)."""
    PEOPLE = "people"
    CONFIRM = "confirm"
    KEEP_REMINDING = "keep"
    NOTE = "note"
    SENT = "sent"
    EXPORT = "export"
    """The trail as a file in the thread, in the form that `about["form"]` names."""
    UNKNOWN = "unknown"
    """A button or form that this version of the bot does not know; answered in words."""
    FORM_FAILED = "form_failed"
    """A form that Slack did not open; the person is told what to type instead."""


NEEDS_WORDS = frozenset({Ask.SKIP, Ask.NOTE, Ask.SENT})
"""Asks whose button opens a form first, because they need a person's words."""
