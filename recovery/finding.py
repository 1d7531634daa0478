"""Finding the people in Slack by their addresses: one by one where they are few, by listing where they are many."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from recovery.access import reachable
from recovery.errors import OutsideError, Refused
from recovery.jobs import Job, TaskKind
from recovery.matching import ByAddress, candidates, listing_pays
from recovery.people import by_person
from recovery.ports import Member
from recovery.requester import plan_strays
from recovery.state import STRAYS, Person, Standing
from recovery.strangers import settle_strangers
from recovery.strays import strays_task
from recovery.weighing import FIND, find_task, scheduled

_CURSOR, _PAGES = "cursor", "pages"
"""In the task's payload: where the listing goes on, and how many pages it has taken; a cursor of None is its end."""


@dataclass
class _Search:
    """Who is looked for, and who was found so far."""

    job: Job
    sought: list[Person]
    found: dict[int, Member] = field(default_factory=dict)
    missing: list[Person] = field(default_factory=list)

    @property
    def left(self) -> list[Person]:
        """Those not found yet."""
        return [person for person in self.sought if person.id not in self.found]

    def list_everyone(self) -> None:
        """Go through the list of the workspace for as long as that costs less than looking each of them up.

        Before the end only an active person with the very address is sure to be the one. Where an attempt took up the
        list in the middle, whoever it did not find is looked up.
        """
        job = self.job
        pages, cursor = int(str(job.task.payload.get(_PAGES, 0))), job.task.payload.get(_CURSOR, "")
        known, is_whole = ByAddress(job.tools.policy.email_domains), cursor == ""
        while cursor is not None and self.left and listing_pays(self._look_ups(), pages):
            job.hold()
            try:
                page = job.tools.directory.everyone(str(cursor))
            except Refused:
                # The place in the list is not known any more, or the list is not for this bot: each is looked up.
                job.remember(**{_PAGES: pages, _CURSOR: None})
                return
            known.add(page.members)
            pages, cursor = pages + 1, page.next_cursor or None
            self._take(known, surely=True)
            job.remember(**{_PAGES: pages, _CURSOR: cursor})
        if cursor is None and is_whole:
            self._take(known, surely=False)
            self.missing, self.sought = self.left, [person for person in self.sought if person.id in self.found]

    def _look_ups(self) -> int:
        """How many look-ups those who are left may take: one for each address by which Slack may know them."""
        return sum(len(candidates(person.email, self.job.tools.policy.email_domains)) for person in self.left)

    def _take(self, known: ByAddress, *, surely: bool) -> None:
        for person in self.left:
            member = known.find(person.email)
            if member is not None and (not surely or _is_surely(member, person)):
                self.found[person.id] = member

    def look_up_each(self) -> None:
        """Ask for those who are left, one by one, under each address by which Slack may know them."""
        for person in self.left:
            member = self._look_up(person)
            if member is None:
                self.missing.append(person)
            else:
                self.found[person.id] = member

    def _look_up(self, person: Person) -> Member | None:
        for address in candidates(person.email, self.job.tools.policy.email_domains):
            self.job.hold()
            member = self.job.tools.directory.by_email(address)
            if member is not None:
                return member
        return None


_SOUGHT = (Standing.UNKNOWN, Standing.NOT_FOUND, Standing.DEACTIVATED)


def find(job: Job) -> None:
    """Look for everyone who is not known yet. Slack limits how much it tells in a minute: where it asks to wait,
    what was found until then is kept, and the next attempt goes on after it."""
    with job.tools.store.read() as tx:
        kinds = _SOUGHT if job.task.payload.get("again") else (Standing.UNKNOWN,)
        sought = [p for p in tx.people.of(job.task.incident_id or 0) if p.standing in kinds and p.left_at is None]
    search = _Search(job, [person for person in sought if candidates(person.email, {})])
    nameless = [person for person in sought if not candidates(person.email, {})]
    try:
        search.list_everyone()
        search.look_up_each()
    except OutsideError:
        _keep(job, search, nameless, is_over=False)
        raise
    _keep(job, search, nameless, is_over=True)


def _keep(job: Job, search: _Search, nameless: Sequence[Person], *, is_over: bool) -> None:
    """Write down who was found and who was not; whoever has something to do is written to."""
    stands: dict[int, tuple[Standing, Member | None]] = {
        person.id: (_standing(member), member) for person in search.sought if (member := search.found.get(person.id))
    }
    stands |= {person.id: (Standing.NOT_FOUND, None) for person in search.missing}
    stands |= {person.id: (Standing.NO_EMAIL, None) for person in nameless}
    with job.record() as tx:
        incident = tx.incidents.get(job.task.incident_id or 0)
        theirs = by_person(tx.people.obligations(incident.id))
        now, people = job.tools.clock.now(), tx.people.of(incident.id)
        known = [
            scheduled(_as_found(person, *stands[person.id]), theirs.get(person.id, []), now)
            for person in people
            if person.id in stands and _is_news(person, stands[person.id][0])
        ]
        tx.people.save(known)
        settle_strangers(tx, incident.id, known, now)
        lost = [person for person in known if person.standing in STRAYS]
        if lost:
            plan_strays(tx, incident, lost)
        elif known and incident.strays_ts is not None:
            tx.tasks.add([strays_task(incident)])
        if is_over:
            job.done(tx, job.task)
            if any(person.standing is Standing.UNKNOWN and person.id not in stands for person in people):
                # Who joined while this was going on could plan no task beside it.
                tx.tasks.add([find_task(incident)])


def _is_news(person: Person, standing: Standing) -> bool:
    """Whether that is more than was known: of those who were not found before, only that they are there now."""
    again = person.standing in _SOUGHT and standing is Standing.FOUND
    return person.standing is Standing.UNKNOWN or again


def _is_surely(member: Member, person: Person) -> bool:
    return reachable(member) and (member.email or "").lower() == person.email.strip().lower()


def _standing(member: Member) -> Standing:
    if reachable(member):
        return Standing.FOUND
    return Standing.BOT if member.is_bot else Standing.DEACTIVATED


def _as_found(person: Person, standing: Standing, member: Member | None) -> Person:
    known = member if standing is Standing.FOUND else None
    return replace(
        person,
        standing=standing,
        version=person.version + 1,
        slack_id=known.id if known else None,
        slack_tz=known.tz if known else None,
    )


FIND_KIND = TaskKind(FIND, find, "finding the people in Slack", most_attempts=None, effect=True)
