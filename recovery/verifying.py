"""Verifying the trail: reads both sides, in the order in which a running bot cannot make them differ."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from recovery.audit_check import Compared, Copy, Fault, Kept, chain_fault, compare
from recovery.content import Place
from recovery.errors import OutsideError, Unreadable
from recovery.ports import Messenger, TrailMessage
from recovery.state import Incident, IncidentStatus
from recovery.store import Store
from recovery.text import count
from recovery.thread import THREAD, thread_place

IN_THREAD, IN_CHANNEL = "the thread", "the audit channel"


@dataclass(frozen=True)
class Verdict:
    """What was found of one incident's trail. `unread` are places in Slack that could not be read, and why."""

    incident_id: int
    faults: tuple[Fault, ...] = ()
    unread: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    fine: tuple[str, ...] = ()

    @property
    def lines(self) -> list[str]:
        """All of it, a sentence a line: the first entry that is not as it was comes before everything else."""
        said = [fault.says for fault in sorted(self.faults, key=lambda fault: fault.number)]
        return [f"Incident {self.incident_id}: {line}" for line in [*said, *self.unread, *self.fine, *self.notes]]


@dataclass(frozen=True)
class Scene:
    """What is verified, and with what. `pause` waits for as long as Slack may take to show a message."""

    store: Store
    messenger: Messenger
    audit_channel: str | None
    pause: Callable[[], None]


def verify(scene: Scene, incident_id: int | None = None) -> list[Verdict]:
    """Verify an incident's trail, or each incident's, oldest first. Raises `Missing` where there is no such incident.

    Slack shows metadata with a delay, and a second copy of a message may be about to be deleted: whatever is not
    right is looked at once more after a pause.
    """
    with scene.store.read() as tx:
        every = tx.incidents.in_status(*IncidentStatus)
        incidents = every if incident_id is None else [tx.incidents.get(incident_id)]
    verdicts = []
    for incident in incidents:
        verdict = look(scene, incident)
        if verdict.faults:
            scene.pause()
            verdict = look(scene, incident)
        verdicts.append(verdict)
    return verdicts + (strays(scene, every) if incident_id is None and every else [])


def look(scene: Scene, incident: Incident) -> Verdict:
    """Look at both sides once.

    What was posted is read before Slack is, and the entries after it: so nothing that a running bot writes and
    posts meanwhile seems to be missing from either side.
    """
    with scene.store.read() as tx:
        incident = tx.incidents.get(incident.id)
        posted = tx.audit.posted(incident.id)
    there, unread = read_copies(scene, incident)
    kept = read_kept(scene.store, incident.id)
    if isinstance(kept, Fault):
        return Verdict(incident.id, (kept,), tuple(unread))
    in_thread = dict.fromkeys(range(1, min(incident.audit_posted, len(kept.entries)) + 1), "")
    compared = {}
    for (name, where), messages in there.items():
        numbers = (in_thread if where == THREAD else {}) | posted.get(where, {})
        compared[name] = compare(kept, Copy(name, where, messages, numbers), scene.messenger.unlike)
    return judge(kept, compared, unread)


def read_copies(scene: Scene, incident: Incident) -> tuple[dict[tuple[str, str], Sequence[TrailMessage]], list[str]]:
    """What stands in the thread and in the audit channel; and which of them could not be read."""
    # An incident without a thread has nothing posted in it.
    places = {(IN_THREAD, THREAD): thread_place(incident) if incident.thread_ts else None}
    if scene.audit_channel:
        places[IN_CHANNEL, scene.audit_channel] = Place(scene.audit_channel)
    there: dict[tuple[str, str], Sequence[TrailMessage]] = {}
    unread = []
    for (name, where), place in places.items():
        try:
            there[name, where] = scene.messenger.trail(place, incident.opened_at) if place else []
        except OutsideError as error:
            unread.append(f"{name} could not be read, so it was not compared. {error}")
    return there, unread


def read_kept(store: Store, incident_id: int) -> Kept | Fault:
    """The database's side; a fault where an entry cannot even be read."""
    identity = store.identity()
    with store.read() as tx:
        try:
            entries = tx.audit.entries(incident_id)
        except Unreadable as error:
            return Fault(error.number, str(error))
        return Kept(identity, incident_id, tx.incidents.get(incident_id).audit_count, entries)


def judge(kept: Kept, compared: dict[str, Compared], unread: Sequence[str]) -> Verdict:
    """The findings about the chain and about each copy, together."""
    chain = chain_fault(kept)
    fine = [] if chain else [f"the chain of {count(len(kept.entries), 'entry', 'entries')} in the database is intact."]
    fine += [
        f"{count(one.entries, 'entry', 'entries')} in {count(one.messages, 'message')} in {name} agree with it."
        for name, one in compared.items()
        if one.entries and not one.fault and not chain
    ]
    faults = [fault for fault in (chain, *(one.fault for one in compared.values())) if fault]
    notes = [note for one in compared.values() for note in one.notes]
    return Verdict(kept.incident_id, tuple(faults), tuple(unread), tuple(notes), tuple(fine))


def strays(scene: Scene, incidents: Sequence[Incident]) -> list[Verdict]:
    """Incidents that the audit channel tells of and the database does not have."""
    if not scene.audit_channel:
        return []
    try:
        messages = scene.messenger.trail(Place(scene.audit_channel), min(one.opened_at for one in incidents))
    except OutsideError:
        # Each incident's verdict says so.
        return []
    identity = scene.store.identity()
    with scene.store.read() as tx:
        # Read anew: one may have been opened meanwhile.
        known = {incident.id for incident in tx.incidents.in_status(*IncidentStatus)}
    told = {int(key[1]) for key in (m.key.split(":") for m in messages if m.is_ours) if is_whole(key, identity)}
    says = "it is in the audit channel and not in the database: all of it was removed there."
    return [Verdict(number, (Fault(0, says),)) for number in sorted(told - known)]


def is_whole(key: Sequence[str], identity: str) -> bool:
    """Whether a message's key is one of this database's."""
    return len(key) == 4 and key[0] == identity and key[1].isdecimal()
