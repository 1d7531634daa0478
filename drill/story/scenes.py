"""The scenes of the recovery, in order. Each leaves the incident where the next one takes it up."""

import secrets

from drill.actors import COMMAND, Person
from drill.messages import Message
from drill.story.habits import SavesHandovers
from drill.story.investigating import the_account_is_investigated, who_came_since
from drill.story.people import people_do_their_part
from drill.story.stage import Stage, StoryBroken

LEAKED_KEY = "Production backend"
ATTACKERS_KEY = "Staging"
STUBBORN = ("eu", "eu.example.com", "invoices@eu.example.com")
SET_BACK = ("us", "mg.example.com", "app@mg.example.com")
QUIET_DOMAIN = "alerts.example.com"
TICKET = "MG-48213"


def play(stage: Stage) -> None:
    """The whole recovery, from the report to the closed incident.

    Raises:
        NotInTime: something that the story waits for did not come.
    """
    saver = SavesHandovers(stage.olivia)
    stage.habits.append(saver)
    somebody_reports_it(stage)
    the_account_is_investigated(stage)
    one_incident_and_few_who_decide(stage)
    passwords_are_reset_too_early(stage)
    an_old_key_sets_a_password_back(stage)
    every_old_key_goes(stage)
    unsaved = passwords_are_reset_again(stage, saver)
    queued_mail_is_deleted(stage)
    people_do_their_part(stage)
    the_note_is_written(stage)
    an_unsaved_handover_is_issued_anew(stage, unsaved)
    who_came_since(stage)
    support_is_told(stage)


def somebody_reports_it(stage: Stage) -> None:
    """A member who may not start one reports it, with a key in the text; the owner starts it."""
    stage.transcript.heading("Somebody notices it")
    key = stage.company.mailgun.old_key(LEAKED_KEY)
    stage.max.types(f"{COMMAND} We send mail that nobody wrote, and our key {key} is on a paste site")
    stage.hears(stage.max, "cut out")
    report = stage.wait("the report in #incident", lambda: _newest(stage, "report"))
    stage.olivia.clicks(report, "Start")
    for number in range(8):
        stage.step(number)


def one_incident_and_few_who_decide(stage: Stage) -> None:
    """A second command finds the open incident; a member's Approve is refused."""
    stage.transcript.heading("One incident at a time, and not everybody decides")
    stage.priya.types(COMMAND)
    stage.hears(stage.priya, "open already")
    stage.max.clicks(stage.step(2), "Approve", confirmed=True)
    stage.hears(stage.max, "Nothing was changed")


def passwords_are_reset_too_early(stage: Stage) -> None:
    """Step 2 before step 1; one login fails and is tried again. Step 4 is skipped for now."""
    stage.transcript.heading("Step 2 first: SMTP passwords. One of them fails")
    mailgun = stage.company.mailgun
    _, domain, login = STUBBORN
    stage.outside(f"From here on, Mailgun refuses to set the password of {login}.")
    mailgun.orders.fault(
        {"method": "PUT", "path": f"/v3/domains/{domain}/credentials/{login}"},
        "400",
        times=50,
        message="The credentials are locked",
    )
    stage.priya.clicks(stage.step(2), "Approve", confirmed=True)
    stage.hears(stage.priya, "is approved")
    stage.priya.clicks(stage.step(4), "Skip, with a reason")
    stage.fills_in(stage.priya, "First the keys; half of us are asleep")
    stage.step_is(4, "skipped")
    stuck = stage.step_is(2, "needs attention")
    mailgun.orders.clear("faults")
    stage.outside("Mailgun has unlocked it.")
    stage.priya.clicks(stuck, "Retry what failed")
    stage.step_is(2, "done")


def an_old_key_sets_a_password_back(stage: Stage) -> None:
    """Whoever holds an old key that still lives undoes one of the resets."""
    stage.transcript.heading("Somebody still holds an old key")
    region, domain, login = SET_BACK
    key = stage.company.mailgun.old_key(ATTACKERS_KEY)
    stage.outside(f"With the old key “{ATTACKERS_KEY}”, somebody sets the password of {login} back.")
    if not stage.company.mailgun.sets_smtp_password(key, domain, login, secrets.token_hex(8), region):
        raise StoryBroken(f"Mailgun refused the old key “{ATTACKERS_KEY}” before step 1 was approved.")


def every_old_key_goes(stage: Stage) -> None:
    """Step 1: every key is replaced, handed over, and deleted; step 2 is offered again."""
    stage.transcript.heading("Step 1: every old key goes")
    stage.olivia.clicks(stage.step(1), "Approve", confirmed=True)
    stage.step_is(1, "done")
    stage.step_is(2, "waits for a decision")


def passwords_are_reset_again(stage: Stage, saver: SavesHandovers) -> Message:
    """What was reset while old keys lived is reset once more. One handover stays unsaved: the message beside it."""
    stage.transcript.heading("Step 2 again: what an old key could undo")
    _, _, login = SET_BACK
    set_back = stage.company.mailgun.password(login)
    saver.leaves_next = True
    stage.olivia.types(f"{COMMAND} approve 2")
    stage.step_is(2, "done")
    if stage.company.mailgun.password(login) == set_back:
        raise StoryBroken(f"The password of {login} is still the one that an old key had set back.")
    stage.outside(f"The password of {login} that the old key had set is void.")
    return stage.wait("a handover that Olivia leaves alone", lambda: saver.left)


def queued_mail_is_deleted(stage: Stage) -> None:
    """Step 7: what somebody has queued for later goes; one domain is looked at first, and then included after all."""
    stage.transcript.heading("Step 7: what is queued for later")
    stage.priya.types(f"{COMMAND} leave-out 7 {QUIET_DOMAIN}")
    stage.hears(stage.priya, "left out")
    stage.wait("the card to show it", lambda: "Left out" in stage.step(7).words)
    stage.priya.types(f"{COMMAND} include 7 {QUIET_DOMAIN}")
    stage.hears(stage.priya, "included")
    card = stage.wait("the card to show it", lambda: card if "Left out" not in (card := stage.step(7)).words else None)
    stage.priya.clicks(card, "Approve", confirmed=True)
    stage.step_is(7, "done")


def the_note_is_written(stage: Stage) -> None:
    """The note: the hosting provider, and public repositories."""
    stage.transcript.heading("The note")
    _notes(stage, stage.priya, "Hosting provider contacted", "They found no break-in, ticket HO-77")
    _notes(stage, stage.olivia, "Public repositories checked", "The key stood in an old commit of the shop")
    stage.step_is(6, "done")


def _notes(stage: Stage, person: Person, button: str, found: str) -> None:
    person.clicks(stage.step(6), button)
    stage.fills_in(person, found)
    stage.wait("the note to show it", lambda: found in stage.step(6).words)


def an_unsaved_handover_is_issued_anew(stage: Stage, unsaved: Message) -> None:
    """The handover that nobody saved is wiped after two reminders, and issued anew."""
    stage.transcript.heading("A handover that nobody saved")
    expired = stage.wait(
        "the handover to be wiped unsaved",
        lambda: next((m for m in _controls(stage) if m.ts == unsaved.ts and m.button("Issue anew")), None),
        seconds=20,
    )
    before = {message.ts for message in _controls(stage)}
    stage.olivia.clicks(expired, "Issue anew", confirmed=True)

    def saved() -> bool:
        later = [message for message in _controls(stage) if message.ts not in before]
        return bool(later) and not any(message.button("saved") for message in later)

    stage.wait("the new secrets to be handed over and saved", saved)
    stage.step_is(2, "done")


def _controls(stage: Stage) -> list[Message]:
    return stage.olivia.inbox("handover_controls")


def support_is_told(stage: Stage) -> None:
    """Step 5: the message to paste, the ticket's number, and Mailgun's answer."""
    stage.transcript.heading("Step 5: Mailgun Support")
    card = stage.step_is(5, "waits for a decision")
    stage.olivia.clicks(card, "Sent")
    stage.fills_in(stage.olivia, TICKET)
    stage.step_is(5, "running")
    stage.outside("Mailgun Support reads the ticket and enables the account.")
    stage.company.mailgun.support_enables_the_account()
    stage.step_is(5, "done")
    stage.wait("the incident to close", lambda: "closed" in _board_words(stage))


def _board_words(stage: Stage) -> str:
    board = stage.company.slack.board()
    return board.words if board else ""


def _newest(stage: Stage, kind: str) -> Message | None:
    return next(reversed(stage.company.slack.messages(kind=kind)), None)
