"""One whole small recovery, as robust people live through it: whatever single crash happens, it gets to its end."""

from drill.actors import NothingToPress, Person
from drill.messages import Message
from drill.waiting import NotInTime
from tests.crashes.deeds import People
from tests.crashes.run import STARTS_WITHIN, CrashRun

QUIET = (
    "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM tasks WHERE finished_at IS NULL)"
    " AND NOT EXISTS (SELECT 1 FROM handovers WHERE status = 'sent') AND NOT EXISTS"
    " (SELECT 1 FROM incidents WHERE audit_posted < audit_count OR drawn_revision < revision OR thread_ts IS NULL)"
)
"""Nothing is left to do, every handover is saved or over, and the thread shows all of it. One that came after Olivia
had saved what there was is wiped when it expires."""

KEYS, SMTP, PASSWORDS, TWO_FACTOR, SUPPORT, NOTE, QUEUED_MAIL = range(1, 8)
TOLD = ("dana", "chen")
MOST_ROUNDS = 10
"""How often Olivia has wiped secrets issued anew before she gives up saving them in time."""

END = "SELECT 1 FROM incidents WHERE status = 'closed'"


def play(run: CrashRun) -> None:
    """From the typed command to a closed incident with every handover saved and wiped, and the bot quiet.

    Between two acts people wait until the thread shows what was done: so every run needs the same requests.

    Raises:
        NotInTime: something that must come never came; the text says what, and how things stand.
        BotGone: the bot keeps ending by itself.
    """
    people = People(run)
    run.tend()
    it_is_opened(run, people)
    everything_is_decided(run, people)
    reminders_come(run)
    people_do_their_part(run, people)
    the_unsaved_is_issued_anew(run, people)
    the_note_is_finished(run, people)
    support_is_told(run, people)


def it_is_opened(run: CrashRun, people: People) -> None:
    """Olivia opens the incident; the thread has all its cards."""
    connected(run)
    words = "open our key was in a public repository"
    people.types("open", run.olivia, words, lambda: run.has("SELECT 1 FROM incidents"))
    run.wait("the thread to be complete", lambda: not run.has("SELECT 1 FROM steps WHERE message_ts IS NULL"))
    quiet(run)


def everything_is_decided(run: CrashRun, people: People) -> None:
    """Every step that can be decided is: keys, then SMTP passwords; people are asked; 2FA is skipped; half a note.

    The keys' handover is saved at once, the SMTP passwords' is left alone.
    """
    approve(run, people, KEYS)
    approve(run, people, PASSWORDS)
    reason = "everybody has it by order of the management"
    people.types("skip 4", run.olivia, f"skip 4 {reason}", lambda: status_is(run, TWO_FACTOR, "skipped"))
    note_in_form(run, people)
    run.wait("the keys to be replaced", lambda: status_is(run, KEYS, "done"))
    approve(run, people, SMTP)
    save_handovers(run, people, KEYS)
    run.wait("the passwords to be set", lambda: status_is(run, SMTP, "done"))
    approve(run, people, QUEUED_MAIL)
    run.wait("the queued mail to be deleted", lambda: status_is(run, QUEUED_MAIL, "done"))
    run.wait("both to be told", lambda: all_told(run))


def reminders_come(run: CrashRun) -> None:
    """Both people are reminded of their passwords, and Olivia of the handover that she did not save."""
    run.wait(
        "both to be reminded",
        lambda: (
            not run.has(
                "SELECT 1 FROM obligations o JOIN people p ON p.id = o.person_id"
                " WHERE p.reminders = 0 AND o.status IN ('open', 'questioned')"
            )
        ),
    )


def people_do_their_part(run: CrashRun, people: People) -> None:
    """Both reset their passwords at Mailgun and press “Check now”."""
    for name in TOLD:
        run.mailgun.resets_password(f"{name}@example.com")
    for name in TOLD:
        check_now(run, people, name)
    run.wait("everybody to be done", lambda: status_is(run, PASSWORDS, "done"))


def the_unsaved_is_issued_anew(run: CrashRun, people: People) -> None:
    """The SMTP passwords that nobody saved are wiped after two reminders, issued anew, and saved."""
    run.wait("the unsaved handover to be wiped", lambda: handovers(run, SMTP, "expired"))
    issue_anew(run, people, SMTP)
    save_handovers(run, people, SMTP)


def the_note_is_finished(run: CrashRun, people: People) -> None:
    """The second half of the note is typed; after a last look, the last step opens."""
    topic = "Public repositories checked"
    people.types("note repositories", run.olivia, "note repositories nothing was found", lambda: noted(run, topic))
    run.wait("the last step to open", lambda: status_is(run, SUPPORT, "waiting"))
    quiet(run)


def support_is_told(run: CrashRun, people: People) -> None:
    """Support is told; the account works, nobody is left, the incident closes."""
    people.fills_in(
        "tell support",
        run.olivia,
        lambda: run.slack.step(SUPPORT),
        "sent",
        "MG-4711",
        lambda: not status_is(run, SUPPORT, "waiting"),
    )
    run.wait("the incident to be closed", lambda: run.has(END))
    quiet(run)


# --- What they do in more than one place ----------------------------------------------------------------


def approve(run: CrashRun, people: People, step: int) -> None:
    """Olivia presses Approve on the step's card."""
    sign = f"SELECT 1 FROM steps WHERE number = {step} AND decision = 'approved'"
    people.presses(f"approve {step}", run.olivia, lambda: run.slack.step(step), "approve", lambda: run.has(sign))


def check_now(run: CrashRun, people: People, name: str) -> None:
    """Somebody presses “Check now”, unless Mailgun was asked already and they are done."""
    who = run.person(name)
    left = (
        "SELECT 1 FROM obligations o JOIN people p ON p.id = o.person_id"
        f" WHERE p.email = '{name}@example.com' AND o.status IN ('open', 'questioned')"
    )
    people.presses(f"check {name}", who, lambda: newest(who, "checklist"), "check", lambda: not run.has(left))


def note_in_form(run: CrashRun, people: People) -> None:
    """Olivia fills in the form of the note about the hosting provider."""
    topic = "Hosting provider contacted"
    people.fills_in(
        "note hosting", run.olivia, lambda: run.slack.step(NOTE), topic, "No break-in found", lambda: noted(run, topic)
    )


def save_handovers(run: CrashRun, people: People, step: int) -> None:
    """Olivia saves whatever was handed over in that step; what was wiped before she could is issued anew."""

    def deed() -> None:
        found = controls_with(run.olivia, "saved", handovers(run, step, "sent"))
        if found is None:
            raise NothingToPress(f"there is no handover of step {step} to save yet")
        run.olivia.clicks(found, "saved")

    for _ in range(MOST_ROUNDS):
        if status_is(run, step, "done") and not handovers(run, step, "planned", "sending", "sent", "expired"):
            return
        run.wait(f"a handover of step {step}", lambda: handovers(run, step, "sent", "saved", "expired"))
        if handovers(run, step, "expired"):
            issue_anew(run, people, step)
        else:
            people.do(f"save {step}", deed, lambda: not handovers(run, step, "sent"))
            run.wait(f"step {step} to be done", lambda: status_is(run, step, "done"))
    raise NotInTime(f"No handover of step {step} was there for long enough to be saved.\n{run.story()}")


def issue_anew(run: CrashRun, people: People, step: int) -> None:
    """Olivia has the handover of that step that was wiped unsaved issued anew; returns once that is done."""
    (wiped, *_) = handovers(run, step, "expired")
    asked = "SELECT count(*) FROM requests WHERE action = 'reissue' AND outcome IS NOT NULL"
    before = run.rows(asked)
    people.presses(
        f"issue anew {step}",
        run.olivia,
        lambda: controls_with(run.olivia, "reissue", [wiped]),
        "reissue",
        lambda: run.rows(asked) != before,
    )
    run.wait(
        f"step {step} to be done anew",
        lambda: status_is(run, step, "done") and wiped not in handovers(run, step, "expired"),
    )


def connected(run: CrashRun) -> None:
    """Return once the bot has its socket."""
    run.wait("the bot to connect to Slack", lambda: run.slack.connections() > 0, STARTS_WITHIN)


def quiet(run: CrashRun) -> None:
    """Return once nothing is left to do, no handover waits to be saved, and the thread shows all of it."""
    run.wait("the bot to have nothing left to do", lambda: run.has(QUIET))


# --- What they look at ----------------------------------------------------------------------------------


def status_is(run: CrashRun, step: int, status: str) -> bool:
    """Whether the step stands so."""
    return run.has(f"SELECT 1 FROM steps WHERE number = {step} AND status = '{status}'")


def all_told(run: CrashRun) -> bool:
    """Whether everybody who has something to do has their first message."""
    obligations = run.rows("SELECT status, told_at FROM obligations")
    return len(obligations) == len(TOLD) and all(at for status, at in obligations if status == "open")


def noted(run: CrashRun, topic: str) -> bool:
    """Whether that half of the note was written down."""
    return run.has(f"SELECT 1 FROM audit_entries WHERE action = 'noted' AND subject = '{topic}'")


def handovers(run: CrashRun, step: int, *statuses: str) -> list[str]:
    """The ids of the step's handovers in those statuses."""
    wanted = ", ".join(f"'{status}'" for status in statuses)
    query = f"SELECT h.id FROM handovers h JOIN steps s ON s.id = h.step_id WHERE s.number = {step}"
    return [str(row[0]) for row in run.rows(f"{query} AND h.status IN ({wanted}) ORDER BY h.id")]


def controls_with(who: Person, button: str, of: list[str]) -> Message | None:
    """The newest message beside one of these handovers that has that button."""
    shown = who.inbox("handover_controls")
    found = [m for m in shown if (pressed := m.button(button)) and pressed.about.get("handover") in of]
    return found[-1] if found else None


def newest(who: Person, kind: str) -> Message | None:
    """Their newest direct message of that kind."""
    return next(reversed(who.inbox(kind)), None)
