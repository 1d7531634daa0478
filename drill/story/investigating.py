"""Step 0: what the attacker left is found, decided about, and removed."""

from drill import cast
from drill.actors import Person
from drill.mailgun.visitors import STRANGE_ADDRESS
from drill.messages import Message
from drill.story.stage import Stage

COPIES, ROUTE, WEBHOOK, KEY, SENDING, OFFICE = (
    *("copies of all mail", "route for", "webhook of", "API key, role admin", "sending of", "(Office)"),
)
"""How the card calls what was found."""


def the_account_is_investigated(stage: Stage, *, own_key_is_known: bool = False) -> None:
    """The bot has looked through the account. People look at what it found, and say of each what becomes of it.

    An account key can be removed at once where the bot knows which one it works with itself.
    """
    stage.transcript.heading("Step 0: what the attacker left")
    priya = stage.priya
    card = finding(stage, KEY)
    stage.transcript.show(card)
    presses(stage, stage.max, "Tell me more", ROUTE)
    stage.hears(stage.max, "An attacker uses one to read it")
    presses(stage, stage.max, "Remove it", ROUTE)
    stage.hears(stage.max, "Nothing was changed")
    removes(stage, COPIES)
    removes(stage, ROUTE)
    removes(stage, WEBHOOK)
    it_is_put_back_and_removed_again(stage)
    presses(stage, priya, "It was the attack", SENDING)
    stage.hears(priya, "counts as the attack")
    if own_key_is_known:
        removes(stage, KEY)
    else:
        presses(stage, priya, "Remove it", KEY)
        stage.hears(priya, "as soon as the bot has a key of its own")
    stage.outside("Allowlist entries come last. Priya asks who runs the bot: it calls from the office's address.")
    presses(stage, priya, "It is the bot's own", OFFICE)
    stage.hears(priya, "counts as expected")
    removes(stage, STRANGE_ADDRESS)


def finding(stage: Stage, words: str) -> Message:
    """The card of step 0, once it has a row about that."""

    def shown() -> Message | None:
        card = stage.company.slack.step(0)
        return card if card is not None and card.button("Tell me more", words) is not None else None

    return stage.wait(f"the card of step 0 to show “{words}”", shown)


def presses(stage: Stage, who: Person, button: str, words: str) -> None:
    """Somebody presses the button beside that, and says yes where it asks. Rows move whenever something is decided, so
    they look at the card as it stands."""

    def pressed() -> bool:
        card = stage.company.slack.step(0)
        return card is not None and who.tries(card, button, confirmed=True, beside=words)

    stage.wait(f"the card of step 0 to offer “{button}” beside “{words}”", pressed)


def removes(stage: Stage, words: str) -> None:
    """Priya has it removed, and waits until the trail says that it is."""
    before = times_removed(stage, words)
    presses(stage, stage.priya, "Remove it", words)
    stage.hears(stage.priya, "is being removed")
    stage.wait(f"“{words}” to be removed", lambda: times_removed(stage, words) > before)


def times_removed(stage: Stage, words: str) -> int:
    """How often the trail says that the bot removed it."""
    return sum(f"The bot removed finding {number_of(stage, words)} " in entry for entry in trail(stage))


def trail(stage: Stage) -> list[str]:
    """The entries of the trail in the thread."""
    return [entry for message in stage.company.slack.messages(kind="audit") for entry in message.words.split("\n")]


def it_is_put_back_and_removed_again(stage: Stage) -> None:
    """Olivia takes the webhook for a new tool of theirs; a minute later she knows that it is not."""
    stage.outside("Olivia takes the webhook for the new statistics tool.")
    olivia = stage.olivia
    presses(stage, olivia, "Put it back", WEBHOOK)
    stage.hears(olivia, "is being put back")
    stage.outside("The team knows of no such tool. Olivia has it removed once more.")
    number = number_of(stage, WEBHOOK)
    stage.wait("it to be put back", lambda: any(f"The bot put back finding {number} " in e for e in trail(stage)))
    olivia.types(f"/mailgun-compromised remove {number}")
    stage.hears(olivia, "is being removed")
    stage.wait("it to be removed again", lambda: times_removed(stage, WEBHOOK) > 1)


def number_of(stage: Stage, words: str) -> str:
    """The number of a finding, by how the trail calls it."""
    told = next((entry for entry in trail(stage) if "marked as suspicious" in entry and words in entry), "")
    return told.partition("finding ")[2].partition(" ")[0]


def is_expected(stage: Stage, words: str) -> None:
    """Olivia knows what that is."""
    presses(stage, stage.olivia, "Expected", words)
    stage.hears(stage.olivia, "counts as expected")


def who_came_since(stage: Stage) -> None:
    """At the last look: Nina was no user when the account was looked through first."""
    stage.transcript.heading("The last look")
    is_expected(stage, cast.JOINS_LATER)
