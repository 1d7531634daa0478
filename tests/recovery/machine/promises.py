"""What must hold whatever happens: `always` after anything at all, `at_rest` once the bot has nothing left to do."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from recovery.account import Login
from recovery.audit import FIRST_HASH, Action, chained
from recovery.checking import WAITING
from recovery.content import MarkerKind, SecretsMessage, Trail
from recovery.handovers import identity_of, in_nobodys_hands
from recovery.key_plans import DELETED, PART_OF, PUBLIC_KEY, REPLACE, RETIRE, SIGNING_KEY
from recovery.keyring import mark_of, unmarked
from recovery.setting_passwords import SET
from recovery.signing import RENEW, RENEWED
from recovery.state import HandoverStatus, IncidentStatus, StepStatus, Task, TaskStatus
from recovery.step import left_by_decision, left_out
from recovery.steps import STEPS
from recovery.steps.tell_support import WATCH
from storage.schema import RequestRow, VaultKeyRow
from tests.recovery.machine.mortal import PERIODIC, MortalWorld
from tests.recovery.machine.moves import moves


def always(world: MortalWorld) -> None:
    """What holds after anything at all."""
    assert not world.broken, world.broken
    with world.database.read() as tx:
        assert len(tx.incidents.in_status(IncidentStatus.OPEN)) <= 1
    each_version_is_one_move(world)
    no_secret_was_posted_twice(world)
    nobody_is_locked_out(world)


def at_rest(world: MortalWorld, *, drawn: bool) -> None:
    """What holds once the bot has nothing left to do at this moment."""
    always(world)
    each_decision_is_one_version(world)
    trails_are_whole(world)
    everyone_was_answered(world)
    passwords_are_in_the_last_handover(world)
    account_wide_keys_are_in_the_last_handover(world)
    keys_are_accounted_for(world)
    secrets_do_not_stay_in_slack(world)
    nothing_new_began_after_the_end(world)
    steps_stand_where_their_tasks_are(world)
    files_stand_once(world)
    if drawn:
        nothing_waits_forever(world)
        the_thread_has_the_trail_once(world)


ALLOWED = {
    "incidents": {"open": {"recovered", "cancelled"}, "recovered": {"closed"}},
    "handovers": {
        "planned": {"sending", "abandoned"},
        "sending": {"sent", "doubtful", "abandoned"},
        "sent": {"saved", "expired", "reissued"},
        "expired": {"reissued"},
    },
}


def each_version_is_one_move(world: MortalWorld) -> None:
    """Each change of a status is one version more, and so is each choice of a step's parts; nothing else is."""
    chosen: Counter[str] = Counter()
    for table in ("steps", "obligations"):
        for move in moves(world, table):
            assert move.version == move.was_version + 1, move
            if move.was == move.became:
                chosen[table] += 1
    with world.database.read() as tx:
        trails = [tx.audit.entries(incident.id) for incident in tx.incidents.in_status(*IncidentStatus)]
    told = sum(e.facts.action in (Action.LEFT_OUT, Action.INCLUDED) for entries in trails for e in entries)
    assert chosen == Counter(steps=told) - Counter(), (chosen, told)
    for table, allowed in ALLOWED.items():
        for move in moves(world, table):
            assert move.became in allowed.get(move.was, ()), move


DECISIONS = {
    Action.APPROVED: "approved",
    Action.SKIPPED: "skipped",
    Action.RETRIED: "retried",
    Action.SUPPORT_TOLD: "sent",
    Action.ROOM_CHOSEN: "continued",
    Action.OWN_KEY_NAMED: "continued",
}
ABOUT_KEYS = (Action.ROOM_CHOSEN, Action.OWN_KEY_NAMED)
"""Decisions whose entry names a key, and not the step."""


def each_decision_is_one_version(world: MortalWorld) -> None:
    """Each decision in the trail made exactly one version of its step, and each such version is in the trail."""
    made: dict[tuple[int, str], list[tuple[str, str]]] = {}
    with world.database.read() as tx:
        incidents = tx.incidents.in_status(*IncidentStatus)
        states = {state.id: state for incident in incidents for state in tx.steps.of(incident.id)}
        told: dict[tuple[int, str], list[tuple[str, str]]] = {}
        for incident in incidents:
            for entry in tx.audit.entries(incident.id):
                if decision := DECISIONS.get(entry.facts.action):
                    label = entry.facts.subject or next(step.label for step in STEPS if step.opens_last)
                    if entry.facts.action in ABOUT_KEYS:
                        label = next(step.label for step in STEPS if step.kind == "api_keys")
                    told.setdefault((incident.id, label), []).append((decision, entry.facts.actor))
    for move in moves(world, "steps"):
        if move.decided:
            state = states[move.row]
            label = next(step.label for step in STEPS if step.kind == state.kind)
            made.setdefault((state.incident_id, label), []).append(move.decided)
    assert made == told


def no_secret_was_posted_twice(world: MortalWorld) -> None:
    posted = Counter(secret for message in world.accepted for secret in message.secrets.values())
    twice = [secret for secret, times in posted.items() if times > 1]
    assert not twice, "a secret was posted twice"
    assert not [m for m in world.slack.messages if any(isinstance(said, SecretsMessage) for said in m.said[1:])]


def nobody_is_locked_out(world: MortalWorld) -> None:
    """The bot's own key works, and each key that people had either lives or has a replacement that was handed over."""
    assert world.vault.current().reveal() in world.mailgun.key_secrets.values(), "the bot is locked out"
    there = world.mailgun.api_keys
    gone = {d for d, key in world.originals.items() if key.id not in there and key.id not in world.deleted_by_people}
    if gone:
        tasks = world.all_tasks(REPLACE, RETIRE)
        # An approver let it go first, and its replacement is planned; or the bot alone had it.
        planned = {t.subject for t in tasks if t.payload.get(DELETED) and not t.payload.get("new_id")}
        retired = {t.subject for t in tasks if t.kind == RETIRE}
        gone -= {d for d, key in world.originals.items() if key.id in planned | retired}
        handed_over = world.handed_over_keys()
        replaced = {unmarked(there[key_id].description) for key_id in handed_over}
        assert gone <= replaced, f"deleted without a replacement that was handed over: {gone - replaced}"


def trails_are_whole(world: MortalWorld) -> None:
    """Numbers without gaps, each entry holding the hash of the one before."""
    with world.database.read() as tx:
        for incident in tx.incidents.in_status(*IncidentStatus):
            previous = FIRST_HASH
            entries = tx.audit.entries(incident.id)
            assert [entry.number for entry in entries] == list(range(1, incident.audit_count + 1))
            for entry in entries:
                assert entry == chained(incident.id, entry.number, entry.at, entry.facts, previous)
                previous = entry.hash


def everyone_was_answered(world: MortalWorld) -> None:
    answered = {request.id for request, _ in world.slack.answers} | world.unanswerable
    with world.database._reading.begin() as connection:
        for number, action, outcome in connection.execute(select(RequestRow.id, RequestRow.action, RequestRow.outcome)):
            assert outcome, f"request {number} ({action}) was never judged"
            assert outcome != WAITING, f"request {number} ({action}) waits still"
            assert number in answered, f"request {number} ({action}: {outcome}) was never answered"


def passwords_are_in_the_last_handover(world: MortalWorld) -> None:
    """The password that works is the one in the last message that names its login, or the bot knows that it is not."""
    told = last_told(world)
    last = {task.subject: task for task in world.all_tasks(SET)}
    for login in world.mailgun.all_logins:
        works = world.mailgun.password_of(login.subject)
        task = last.get(login.subject)
        if (
            works is None
            or task is None
            or told.get(f"{login.domain} ({login.region.upper()}): {login.login}") == works
        ):
            continue
        is_known = in_nobodys_hands(task) or (task.status is TaskStatus.FAILED and needs_attention(world, task))
        assert is_known, f"nobody has the password of {login.subject}: {task}"


def account_wide_keys_are_in_the_last_handover(world: MortalWorld) -> None:
    """The signing key and the public key that work are from before, or handed over last, or known not to be."""
    told, last = last_told(world), {task.subject: task for task in world.all_tasks(RENEW)}
    made = {SIGNING_KEY: world.mailgun.outlets.signing_keys, PUBLIC_KEY: world.mailgun.outlets.public_keys}
    for part, secrets in made.items():
        task = last.get(part)
        if len(secrets) == 1 or task is None or told.get(f"The whole account: {RENEWED[part]}") == secrets[-1]:
            continue
        is_known = in_nobodys_hands(task) or (task.status is TaskStatus.FAILED and needs_attention(world, task))
        assert is_known, f"nobody has the {part}: {task}"


def last_told(world: MortalWorld) -> dict[str, str]:
    """Each login with the password in the last message that names it and counts."""
    return {name: secret for posted in world.counting for name, secret in posted.secrets.items()}


def shown_as(login: Login) -> str:
    return f"{login.domain} ({login.region.upper()}): {login.login}"


def needs_attention(world: MortalWorld, task: Task) -> bool:
    if task.step_id is None:
        return False
    with world.database.read() as tx:
        return tx.steps.get(task.step_id).status is StepStatus.NEEDS_ATTENTION


def keys_are_accounted_for(world: MortalWorld) -> None:
    """Each live key is one that people made, one that was handed over, the bot's own, or noted as unfinished."""
    tasks = [task for task in world.all_tasks() if task.kind.startswith("api_keys.")]
    noted = {mark for task in tasks for mark in marks_in(task.payload)}
    with world.database._reading.begin() as connection:
        own = set(connection.scalars(select(VaultKeyRow.mailgun_key_id)))
    handed_over = world.handed_over_keys()
    originals = {key.id for key in world.originals.values()}
    for key in world.live_keys():
        assert key.id in originals | handed_over | own or mark_of(key) in noted, f"an orphan: {key}"
    made: dict[tuple[int | None, str], set[str]] = {}
    for task in tasks:
        if new_id := task.payload.get("new_id"):
            made.setdefault((task.step_id, task.subject), set()).add(str(new_id))
    twice = {subject: ids for (_, subject), ids in made.items() if len(ids & handed_over) > 1}
    assert not twice, f"replaced more than once: {twice}"


def marks_in(payload: Mapping[str, Any]) -> list[str]:
    return [*payload.get("marks", ()), *payload.get("own_marks", ())]


def secrets_do_not_stay_in_slack(world: MortalWorld) -> None:
    """A message that still shows secrets belongs to a handover that waits to be saved, or to work that is stuck."""
    stuck = {t.handover_id for t in world.all_tasks() if t.status is TaskStatus.FAILED and needs_attention(world, t)}
    for posted in world.accepted:
        if isinstance(posted.content, SecretsMessage) and not posted.is_deleted:
            number = int(posted.marker.key.rpartition(":")[2])
            status = world.handover_in(posted)
            assert status is HandoverStatus.SENT or number in stuck, f"handover {number} is {status} and not wiped"


def nothing_new_began_after_the_end(world: MortalWorld) -> None:
    """After a cancelled or closed incident's end, only what sets right what was begun before is planned."""
    effects = {kind.name for kind in world.kinds if kind.effect}
    begins = {step.begin_kind for step in STEPS}
    for end in moves(world, "incidents"):
        if end.became not in ("cancelled", "closed"):
            continue
        later = [t for t in world.all_tasks(*effects) if t.incident_id == end.row and t.id > end.last_task]
        anew = [t for t in world.all_tasks(*begins) if t.incident_id == end.row and t.payload.get("anew")]
        again = {identity_of(str(subject)) for task in anew for subject in task.payload["scope"]}
        for task in later:
            is_right = task in anew or (task.kind not in begins and identity_of(task.subject) in again)
            assert is_right, f"planned after incident {end.row} was {end.became}: {task}"


def steps_stand_where_their_tasks_are(world: MortalWorld) -> None:
    """What failed is shown as needing attention; what runs has something that it waits for."""
    with world.database.read() as tx:
        for incident in tx.incidents.in_status(IncidentStatus.OPEN, IncidentStatus.RECOVERED):
            for state in tx.steps.of(incident.id):
                failed = tx.tasks.of_step(state.id, TaskStatus.FAILED)
                assert bool(failed) == (state.status is StepStatus.NEEDS_ATTENTION), (state, failed)
                if state.status is StepStatus.RUNNING:
                    waits = any(o.is_open for o in tx.people.obligations(incident.id, state.id)) or bool(
                        [t for t in tx.tasks.of_step(state.id, TaskStatus.READY) if t.kind == WATCH]
                    )
                    assert waits, state


def nothing_waits_forever(world: MortalWorld) -> None:
    """Nothing is unfinished but what looks again and again, each time after a while."""
    for task in world.unfinished():
        assert task.kind in PERIODIC, f"due, and nobody takes it: {task}"
        assert world.clock.now() < task.not_before <= world.clock.now() + world.policy.poll_every, task


def the_thread_has_the_trail_once(world: MortalWorld) -> None:
    """Each audit entry is in the thread exactly once, in order."""
    with world.database.read() as tx:
        incidents = tx.incidents.in_status(*IncidentStatus)
    for incident in incidents:
        shown = [
            entry
            for posted in world.slack.of_kind(MarkerKind.AUDIT)
            if posted.place.thread_ts == incident.thread_ts
            for entry in (posted.said[0].entries if isinstance(posted.said[0], Trail) else ())
        ]
        with world.database.read() as tx:
            assert shown == tx.audit.entries(incident.id), f"incident {incident.id}"


def files_stand_once(world: MortalWorld) -> None:
    """Each export that was recorded is in the thread once, and none that was not."""
    with world.database.read() as tx:
        recorded = [
            entry
            for incident in tx.incidents.in_status(*IncidentStatus)
            for entry in tx.audit.entries(incident.id)
            if entry.facts.action is Action.EXPORTED
        ]
    done = [task for task in world.all_tasks("export") if task.status is TaskStatus.DONE]
    doubtful = [task for task in world.all_tasks("export") if task.status is TaskStatus.FAILED]
    assert len(recorded) == len(done)
    assert len(done) <= len(world.slack.shared) <= len(done) + len(doubtful)


def everything_was_done(world: MortalWorld) -> None:
    """What is done is done: each password and each old key is a new one that was handed over, if not left on purpose.

    What came after the last look at the account is not the bot's to know.
    """
    with world.database.read() as tx:
        states = {state.kind: state for state in tx.steps.of(world.incident.id)}
        opened = [e.at for e in tx.audit.entries(world.incident.id) if e.facts.action is Action.STEP_OPENED]
    if not opened:
        return
    assert not [state for state in states.values() if state.status is StepStatus.NEEDS_ATTENTION]
    smtp, api = states["smtp_credentials"], states["api_keys"]
    if smtp.status is StepStatus.DONE:
        told = last_told(world)
        for login in world.mailgun.all_logins:
            if (
                login.subject not in left_by_decision(smtp)
                and world.came_at.get(login.subject, opened[-1]) <= opened[-1]
            ):
                works = world.mailgun.password_of(login.subject)
                assert works is not None and told.get(shown_as(login)) == works, f"left out: {login.subject}"
    if api.status is StepStatus.DONE:
        for key in world.originals.values():
            is_left = key.id in left_by_decision(api) or PART_OF[key.kind] in left_out(api)
            is_left = is_left or key.created_at > opened[-1]
            assert is_left or key.id not in world.mailgun.api_keys, f"an old key lives: {key}"
