"""The account is disabled, and the attacker has revoked the bot's key: people begin by hand, until it has a new one.

From there on the bot does the rest, and it goes on as in the other story.
"""

from drill.actors import COMMAND
from drill.company import Company
from drill.messages import Message
from drill.story.habits import SavesHandovers
from drill.story.investigating import is_expected, the_account_is_investigated, trail, who_came_since
from drill.story.people import people_do_their_part
from drill.story.scenes import (
    LEAKED_KEY,
    queued_mail_is_deleted,
    somebody_reports_it,
    support_is_told,
    the_note_is_written,
)
from drill.story.stage import Stage, StoryBroken

BY_HAND = {"Staging": "developer", "Dashboard": "basic"}
"""The account keys that are replaced by hand, and their roles."""
BOT_KEY = "For the recovery bot"
NO_KEY = "my key is the one from the paste site"


def befalls(company: Company) -> None:
    """Before anybody notices it, the attacker revokes the key that the bot has."""
    company.mailgun.deletes_keys(description=LEAKED_KEY)


def play(stage: Stage) -> None:
    """The whole recovery, from the report to the closed incident.

    Raises:
        NotInTime: something that the story waits for did not come.
    """
    stage.habits.append(SavesHandovers(stage.olivia))
    somebody_reports_it(stage)
    the_bot_says_what_is_wrong(stage)
    people_begin_by_hand(stage)
    keys_that_do_not_work_are_refused(stage)
    a_new_key_is_given(stage)
    the_account_is_investigated(stage, own_key_is_known=True)
    for description in BY_HAND:
        is_expected(stage, f"({description})")
    the_bot_does_the_rest_of_step_1(stage)
    passwords_are_reset(stage)
    queued_mail_is_deleted(stage)
    people_do_their_part(stage)
    the_note_is_written(stage)
    who_came_since(stage)
    support_is_told(stage)


def the_bot_says_what_is_wrong(stage: Stage) -> None:
    """Its key is refused: the board says so, and each step offers to go on by hand."""
    stage.transcript.heading("Mailgun refuses the bot's key")
    slack = stage.company.slack
    board = stage.wait("the board to say so", lambda: _board(stage, "Trouble: counting the account"))
    stage.transcript.show(board)
    stage.outside("Mailgun's status page reports no trouble: it is the key that is dead.")
    stage.wait("step 1 to offer it", lambda: (slack.step(1) or board).button("Go on by hand"))


def people_begin_by_hand(stage: Stage) -> None:
    """Priya does two of the five items of step 1 in the control panel; step 2 is taken by hand, and waits."""
    stage.transcript.heading("Step 1 by hand: what cannot wait for a new key")
    priya, mailgun = stage.priya, stage.company.mailgun
    priya.clicks(stage.step(1), "Go on by hand")
    stage.hears(priya, "goes on by hand")
    stage.transcript.show(stage.step_is(1, "by hand"))
    for description, role in BY_HAND.items():
        stage.outside(f"In the control panel, Priya makes a new key “{description}”, and deletes the old one.")
        mailgun.deletes_keys(description=description)
        stage.transcript.hides(mailgun.makes_key(description, kind="user", role=role))
    priya.types(f"{COMMAND} done-by-hand 1 account keys")
    stage.hears(priya, "Noted, with your name: account keys")
    stage.outside("She ends every session of the control panel that is listed among the keys.")
    mailgun.deletes_keys(kind="web")
    priya.types(f"{COMMAND} done-by-hand 1 sessions")
    stage.hears(priya, "Noted, with your name: sessions")
    # The thread gets one message at a time: without this, its line may come after what she does next.
    stage.wait(
        "the trail to tell of it", lambda: any("did by hand" in e and "sessions" in e for e in trail(stage)) or None
    )
    priya.clicks(stage.step(2), "Go on by hand")
    stage.step_is(2, "by hand")


def keys_that_do_not_work_are_refused(stage: Stage) -> None:
    """What is no key is handed back in the form; a dead key changes nothing."""
    stage.transcript.heading("Two keys that do not work")
    priya = stage.priya
    priya.clicks(stage.step(1), "Give the bot a new key")
    form = stage.wait("the form to open", priya.form)
    if priya.is_refused(form, NO_KEY) is None:
        raise StoryBroken("The form took words that are no key.")
    stage.outside("The form stays open, and says that this is no key. She pastes the one from the paste site.")
    priya.submits(form, stage.company.mailgun.old_key(LEAKED_KEY))
    stage.hears(priya, "That key was not taken")


def a_new_key_is_given(stage: Stage) -> None:
    """An admin key, made in the control panel, and given in the form."""
    stage.transcript.heading("A new key for the bot")
    priya = stage.priya
    stage.outside("In the control panel, Priya makes an admin key for the bot alone, and copies it.")
    secret = stage.company.mailgun.makes_key(BOT_KEY, kind="user", role="admin")
    stage.transcript.hides(secret)
    priya.clicks(stage.step(1), "Give the bot a new key")
    stage.fills_in(priya, secret)
    stage.hears(priya, "The key works and is in the vault")
    stage.wait("the trouble to be over", lambda: "Trouble" not in _board_words(stage) or None)
    stage.wait("the account to be counted", lambda: "user" in stage.step(3).words or None)


def the_bot_does_the_rest_of_step_1(stage: Stage) -> None:
    """What was done by hand stays; the sending keys are the bot's part, and the key that it was given goes."""
    stage.transcript.heading("The bot does the rest of step 1")
    stage.priya.clicks(stage.step(1), "Let the bot do the rest", confirmed=True)
    stage.step_is(1, "done")
    present = [key["description"] for key in stage.company.mailgun.state()["keys"] if not key["deleted"]]
    if BOT_KEY in present:
        raise StoryBroken("The key that the bot was given is still there, though it has one of its own.")


def passwords_are_reset(stage: Stage) -> None:
    """Nobody has begun with step 2 by hand: the bot does all of it."""
    stage.transcript.heading("Step 2: the bot does all of it")
    stage.olivia.clicks(stage.step(2), "Let the bot do the rest", confirmed=True)
    stage.step_is(2, "done")


def _board(stage: Stage, words: str) -> Message | None:
    board = stage.company.slack.board()
    return board if board is not None and words in board.words else None


def _board_words(stage: Stage) -> str:
    board = stage.company.slack.board()
    return board.words if board else ""
