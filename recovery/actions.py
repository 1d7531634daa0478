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
    DONE = "done"
    """Somebody says that they did their part where Mailgun cannot show it; an approver confirms."""
    LATER = "later"
    """Somebody wants to be reminded later (`about["chosen"]`: hour, afternoon or tomorrow)."""
    CANNOT = "cannot"
    """Somebody cannot do their part, and says why; the requester hears of it."""
    IDENTIFY = "identify"
    """Who a Mailgun user is in Slack (`about["chosen"]`: a Slack user id)."""
    BY_HAND = "by_hand"
    """Whoever presses it tells a person themself."""
    HAS_LEFT = "has_left"
    """A Mailgun user has left the company, and is to be removed at Mailgun."""
    STOP = "stop"
    """Stop reminding a person, with a reason."""
    REMIND_NOW = "remind"
    PEOPLE = "people"
    CONFIRM = "confirm"
    KEEP_REMINDING = "keep"
    GIVE_KEY = "give_key"
    """A fresh Mailgun key for the bot, in a form: the key goes sealed into the vault once a call with it succeeded."""
    LEAVE_OUT = "leave_out"
    """A step shall do without one of its parts (`about["part"]`)."""
    INCLUDE = "include"
    MAKE_ROOM = "make_room"
    """A key is deleted before its replacement, for the plan allows no further one (`about["chosen"]`: its id)."""
    OWN_KEY = "own_key"
    """Which of the listed keys is the one that the bot works with (`about["chosen"]`: its id)."""
    NOTE = "note"
    SENT = "sent"
    EXPORT = "export"
    """The trail as a file in the thread, in the form that `about["form"]` names."""
    UNKNOWN = "unknown"
    """A button or form that this version of the bot does not know; answered in words."""
    FORM_FAILED = "form_failed"
    """A form that Slack did not open; the person is told what to type instead."""


ABOUT_PEOPLE = frozenset(
    {
        Ask.CHECK,
        Ask.MINE,
        Ask.DONE,
        Ask.LATER,
        Ask.CANNOT,
        Ask.IDENTIFY,
        Ask.BY_HAND,
        Ask.HAS_LEFT,
        Ask.STOP,
        Ask.REMIND_NOW,
        Ask.PEOPLE,
        Ask.CONFIRM,
        Ask.KEEP_REMINDING,
    }
)
"""Asks about people: of the incident that looks after them, which may be an earlier one than the latest."""

NEEDS_WORDS = frozenset({Ask.SKIP, Ask.NOTE, Ask.SENT, Ask.STOP, Ask.CANNOT})
"""Asks whose button opens a form first, because they need a person's words."""
