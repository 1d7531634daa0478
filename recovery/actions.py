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
    LEAVE_OUT = "leave_out"
    """A part of a step (`about["part"]`) is not to be touched when it is approved."""
    INCLUDE = "include"
    """A part that was left out is to be touched after all."""
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
    EXPECTED = "expected"
    """Somebody says that what a finding is about is theirs (`about["own"]`: it is the bot's own address)."""
    ATTACK = "attack"
    """Somebody says that what a finding is about was the attack itself: there is nothing to remove."""
    REMOVE = "remove"
    PUT_BACK = "put_back"
    """Put back what was removed; or, of a key or a login, make another and hand it over."""
    MORE = "more"
    """All that is known of a finding."""
    FINDINGS = "findings"
    LOOK_AGAIN = "look_again"
    GIVE_KEY = "give_key"
    """A fresh Mailgun key for the bot, in a form: the key goes sealed into the vault once a call with it succeeded."""
    MAKE_ROOM = "make_room"
    """A key is deleted before its replacement, for the plan allows no further one (`about["chosen"]`: its id)."""
    OWN_KEY = "own_key"
    """Which of the listed keys is the one that the bot works with (`about["chosen"]`: its id)."""
    GO_BY_HAND = "go_by_hand"
    """People do a step in Mailgun's control panel, because Mailgun refuses the bot's key."""
    DID_BY_HAND = "did_by_hand"
    """Somebody did an item of such a step (`about["item"]`: its task's id; a group's name in `about["group"]`)."""
    LET_BOT = "let_bot"
    """The bot does the rest of such a step."""
    WORKS_AGAIN = "works_again"
    """An approver says that the account works, while the bot cannot see it."""
    NOTE = "note"
    SENT = "sent"
    EXPORT = "export"
    """The trail as a file in the thread, in the form that `about["form"]` names."""
    SCAN = "scan"
    """Scan the repositories of `LEAK_SCAN`, all of them or those that could not be read."""
    NOTE_SCAN = "note_scan"
    """Write down what that came to, as the note about repositories."""
    CHECKED = "checked"
    """One thing of `ISOLATION_CHECKLIST` is checked (`about["item"]`: its key, or its number when typed)."""
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

OPENS_FORM = NEEDS_WORDS | {Ask.GIVE_KEY}
"""All asks whose button opens a form first."""

SEALED = "sealed"
"""In what a request to give the bot a key is about: the key, sealed. Its words stay empty."""
