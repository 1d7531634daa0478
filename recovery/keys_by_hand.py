"""Step 1 by hand: what people do with the account's keys in Mailgun's control panel while Mailgun refuses the bot's."""

from collections.abc import Mapping, Set
from datetime import datetime

from recovery.account import ApiKey
from recovery.hand import HAND_SINCE, HandItem
from recovery.key_plans import ACCOUNT_KEYS, PART_OF, PUBLIC_KEY, SENDING_KEYS, SESSIONS, SIGNING_KEY
from recovery.refusals import KEYS_PAGE
from recovery.state import StepState
from recovery.text import Bold, Line, Link, line

ITEMS: Mapping[str, HandItem] = {
    ACCOUNT_KEYS: HandItem(ACCOUNT_KEYS, "account keys: for each a new one made, the old one deleted"),
    SENDING_KEYS: HandItem(SENDING_KEYS, "sending keys, of every domain: for each a new one made, the old one deleted"),
    SESSIONS: HandItem(SESSIONS, "sessions of the control panel, as far as they are listed there: deleted"),
    SIGNING_KEY: HandItem(SIGNING_KEY, "webhook signing key: reset, and given to what verifies inbound webhooks"),
    PUBLIC_KEY: HandItem(PUBLIC_KEY, "public validation key: reset"),
}
"""What people do by hand where it is not known which keys there are, by the part of the step that it is. Its subject
is the part: what the bot makes anew for the whole account has that subject, too."""


def instructions() -> list[Line]:
    """What to do in the control panel."""
    return [
        line("Open ", Link(KEYS_PAGE, "API Security"), " (your profile at the top right)."),
        line("For each key that is in use: ", Bold("Add new key"), ", with the same role. It is shown once, there."),
        line(
            "Sending keys: ",
            Bold("Send > Sending > Domain settings > Sending keys"),
            ", for each domain by itself.",
        ),
        line("Give the new key to what uses the old one; then delete the old one with the bin beside it."),
        line(
            "The HTTP webhook signing key and the verification public key stand on the same page: reset those that "
            "are listed below."
        ),
        line("The bot hands nothing over for these: whoever makes a key is shown it, once."),
    ]


def parts_done(done: Mapping[str, datetime]) -> Set[str]:
    """The parts of the step that people did as a whole; `done` is what they did, by subject."""
    return ITEMS.keys() & done.keys()


def made_by_hand(key: ApiKey, state: StepState, done: Mapping[str, datetime]) -> bool:
    """Whether people made this key when they did the step by hand: while they were at keys of its kind.

    Mailgun does not show who made a key; that it is one of theirs is their word, and an old one is none.
    """
    since = state.facts.get(HAND_SINCE)
    others = ITEMS.keys() - {PART_OF[key.kind]}
    ended = [at for subject, at in done.items() if subject not in others]
    if not ended or not isinstance(since, str):
        return False
    # Mailgun dates keys by the second.
    return datetime.fromisoformat(since).replace(microsecond=0) <= key.created_at <= max(ended)
