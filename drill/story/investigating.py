"""Step 0: what the attacker left is found, decided about, and removed."""

from drill import cast
from drill.mailgun.visitors import STRANGE_ADDRESS
from drill.messages import Message
from drill.story.stage import Stage

COPIES, ROUTE, WEBHOOK, KEY, SENDING, OFFICE = (
    *("copies of all mail", "route for", "webhook of", "API key, role admin", "sending of", "(Office)"),
)
"""How the card calls what was found."""


def the_account_is_investigated(stage: Stage, key_goes: str = "as soon as the bot has a key of its own") -> None:
    """The bot has looked through the account. People look at what it found, and say of each what becomes of it.

    `key_goes` is what it says when the attacker's key shall go: it waits until the bot cannot be working with that one.
    """
    stage.transcript.heading("Step 0: what the attacker left")
    priya = stage.priya
    card = finding(stage, KEY)
    stage.transcript.show(card)
    stage.max.clicks(card, "Tell me more", beside=ROUTE)
    stage.hears(stage.max, "An attacker uses one to read it")
    stage.max.clicks(stage.step(0), "Remove it", beside=ROUTE, confirmed=True)
    stage.hears(stage.max, "Nothing was changed")
    removes(stage, COPIES)
    removes(stage, ROUTE)
    removes(stage, WEBHOOK)
    it_is_put_back_and_removed_again(stage)
    priya.clicks(finding(stage, SENDING), "It was the attack", beside=SENDING)
    stage.hears(priya, "counts as the attack")
    priya.clicks(finding(stage, KEY), "Remove it", beside=KEY, confirmed=True)
    stage.hears(priya, key_goes)
    stage.outside("Allowlist entries come last. Priya asks who runs the bot: it calls from the office's address.")
    priya.clicks(finding(stage, OFFICE), "It is the bot's own", beside=OFFICE)
    stage.hears(priya, "counts as expected")
    removes(stage, STRANGE_ADDRESS)


def finding(stage: Stage, words: str) -> Message:
    """The card of step 0, once it has a row about that."""

    def shown() -> Message | None:
        card = stage.company.slack.step(0)
        return card if card is not None and any(words in button.beside for button in card.buttons) else None

    return stage.wait(f"the card of step 0 to show “{words}”", shown)


def removes(stage: Stage, words: str) -> None:
    """Priya has it removed, and waits until it is."""
    stage.priya.clicks(finding(stage, words), "Remove it", beside=words, confirmed=True)
    stage.hears(stage.priya, "is being removed")
    stage.wait(f"“{words}” to be removed", lambda: is_removed(stage, words))


def is_removed(stage: Stage, words: str) -> bool:
    """Whether the card offers to put it back."""
    card = stage.step(0)
    return card.button("Put it back", words) is not None


def it_is_put_back_and_removed_again(stage: Stage) -> None:
    """Olivia takes the webhook for a new tool of theirs; a minute later she knows that it is not."""
    stage.outside("Olivia takes the webhook for the new statistics tool.")
    olivia = stage.olivia
    olivia.clicks(finding(stage, WEBHOOK), "Put it back", beside=WEBHOOK, confirmed=True)
    stage.hears(olivia, "is being put back")
    stage.outside("The team knows of no such tool. Olivia has it removed once more.")
    number = number_of(stage, WEBHOOK)
    stage.wait("it to be put back", lambda: not is_removed(stage, WEBHOOK))
    olivia.types(f"/mailgun-compromised remove {number}")
    stage.hears(olivia, "is being removed")
    stage.wait("it to be removed again", lambda: is_removed(stage, WEBHOOK))


def number_of(stage: Stage, words: str) -> str:
    """The number of a finding that was in the thread, by how the trail calls it."""
    trail = " ".join(message.words for message in stage.company.slack.messages(kind="audit"))
    return trail.partition(f" ({words}")[0].rpartition("finding ")[2]


def who_came_since(stage: Stage) -> None:
    """At the last look: Nina was no user when the account was looked through first."""
    stage.transcript.heading("The last look")
    olivia = stage.olivia
    card = finding(stage, cast.JOINS_LATER)
    olivia.clicks(card, "Expected", beside=cast.JOINS_LATER)
    stage.hears(olivia, "counts as expected")
