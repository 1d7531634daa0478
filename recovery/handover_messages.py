"""What a handover says: the secrets, the button beside them, and the stub that stays."""

from collections.abc import Sequence

from recovery.actions import Ask
from recovery.content import Button, Card, Confirm, Marker, MarkerKind, SecretGroup, SecretItem, SecretsMessage, Style
from recovery.secret import Secret
from recovery.state import Handover, HandoverStatus, Incident
from recovery.store import Store
from recovery.text import Bold, Code, Line, When, Who, count, line

S = HandoverStatus


def handover_name(handover: Handover) -> str:
    """How the trail and the messages call it."""
    return f"{count(len(handover.subjects), handover.what)} (handover {handover.number})"


def marker_of(store: Store, handover: Handover) -> Marker:
    """The metadata that a handover's message is found again by."""
    key = f"{store.identity()}:{handover.id}"
    return Marker(MarkerKind.HANDOVER, key, {"number": handover.number})


def greeting(incident: Incident) -> Card:
    """The first line in the requester's direct message."""
    return Card(
        notification="New Mailgun passwords and keys will arrive here.",
        lines=(
            line("You will receive the new Mailgun passwords and keys of incident ", str(incident.id), " here."),
            line(
                "Each is sent once. Save it in your password manager, then press ",
                Bold("Saved, wipe it"),
                ".",
            ),
        ),
    )


def secrets_message(
    number: int, what: str, items: Sequence[tuple[str, str, Secret]], replaced: Sequence[int]
) -> SecretsMessage:
    """The handover as it is sent: grouped by heading, in the order given."""
    groups: dict[str, list[SecretItem]] = {}
    for heading, label, secret in items:
        groups.setdefault(heading, []).append(SecretItem(label, secret))
    lines: list[Line] = [line("Save these now: they are sent only this once, and the bot has forgotten them already.")]
    if replaced:
        names = ", ".join(str(earlier) for earlier in replaced)
        lines.append(line(f"They replace handover {names}, which may not have arrived. What that one said is void."))
    return SecretsMessage(
        notification=f"Handover {number}: {count(len(items), f'new {what}')}. Open Slack to save them.",
        title=f"Handover {number}: {count(len(items), f'new {what}')}",
        lines=tuple(lines),
        groups=tuple(SecretGroup(heading, tuple(entries)) for heading, entries in groups.items()),
    )


# --- The message beside it ----------------------------------------------------------------------------


def controls_card(handover: Handover) -> Card:
    """The message with the button, and later what became of the handover."""
    name = f"Handover {handover.number}"
    many = count(len(handover.subjects), handover.what)
    about = {"handover": str(handover.id)}
    match handover.status:
        case S.SENT:
            expires = handover.expires_at
            until: Line = line(" It is wiped at ", When(expires), " at the latest.") if expires else ()
            return Card(
                notification=f"{name}: press Saved once you have saved it.",
                lines=((f"{name}, above, carries {many}. Saved it?", *until),),
                buttons=(Button(Ask.SAVED, "Saved, wipe it", about, Style.PRIMARY),),
            )
        case S.EXPIRED:
            return Card(
                notification=f"{name} was wiped before anybody saved it.",
                title=f"{name}: not saved",
                lines=(
                    line(f"{name} was wiped before anybody said that it was saved. These were not saved:"),
                    *(line("• ", Code(subject)) for subject in handover.subjects),
                    line("If you have no copy, issue them anew: the present ones stop working then."),
                ),
                buttons=(Button(Ask.REISSUE, "Issue anew", about, Style.PRIMARY, reissue_confirm(handover)),),
            )
        case S.REISSUED:
            return Card(
                notification=f"{name} is void.",
                lines=(line(f"{name} ({many}) is void: what it carried is issued anew, in a new handover."),),
            )
        case _:
            return Card(
                notification=f"{name} is done.",
                lines=((f"{name} ({many}) was saved", *_by(handover), " and its message wiped."),),
            )


def reissue_confirm(handover: Handover) -> Confirm:
    """The question before anything is issued anew."""
    return Confirm(
        title="Issue anew?",
        text=f"{count(len(handover.subjects), f'new {handover.what}')} will be made and sent to you. The present ones "
        "stop working at once, and so does what uses them, until it is given its new one.",
        yes="Issue anew",
    )


def _by(handover: Handover) -> Line:
    return line(" by ", Who(handover.ended_by)) if handover.ended_by else ()


def stub_card(handover: Handover) -> Card:
    """What stays of a handover's message once it is wiped."""
    many = count(len(handover.subjects), handover.what)
    at = handover.sent_at or handover.planned_at
    about = "" if handover.sent_at else " about"
    sent: Line = line(f"{about} at ", When(at)) if at else ()
    match handover.status:
        case S.SAVED:
            end = line("They were saved", *_by(handover), ", and wiped here.")
        case S.EXPIRED:
            end = line("Nobody said in time that they were saved, so they were wiped here.")
        case S.REISSUED:
            end = line("They were issued anew, so they were made void and wiped here.")
        case _:
            end = line("It was not certain that this message arrived, so they were made void and wiped here.")
    return Card(
        notification=f"Handover {handover.number} was wiped.",
        lines=((f"Handover {handover.number} carried {many}, sent", *sent, "."), end),
    )
