"""Four processes on one PostgreSQL: two are killed, one is stopped past its lease, a hundred people click at once.

One run, looked at from all sides. Which process does what is the database's doing; which one a click reaches, Slack's.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from drill.actors import NotTaken, Person
from drill.messages import Message
from drill.ordering import JsonObject
from drill.slack.workspaces import INCIDENT
from tests.e2e.handed_over import handed_over, last_for_each
from tests.e2e.recovery_run import STEPS, Run
from tests.e2e.several import Caught, Several, hangs, several_processes

PROCESSES, CLICKS = 4, 100

KEY, LOGIN = "Sender d0002.example.com", "user00002@d0002.example.com"
A_NEW_KEY = {"method": "POST", "path": "*/v1/keys", "contains": KEY}
A_HANDOVER = {"path": "chat.postMessage", "contains": KEY}
A_PASSWORD = {"method": "PUT", "contains": LOGIN}

pytestmark = pytest.mark.timeout(300)
"""The run takes half a minute of two cores that nobody else uses."""

VARIABLES = {"BATCH": "5", "REMIND_EVERY": "1s", "HTTP_TIMEOUT": "5s", "LEASE": "10s", "TICK": "0.5s"}
"""The five keys are one piece of work at first, the twenty logins are four."""


@dataclass
class Recovered:
    """A run that is over: the processes, what was before it, who clicked, and who was interrupted in what."""

    several: Several
    keys_before: list[JsonObject]
    clicked: list[Person] = field(default_factory=list)
    """Those whose click was taken in time."""
    interrupted: list[Caught] = field(default_factory=list)
    disturbed: frozenset[str] = frozenset()
    """What the stopped process was working on."""

    @property
    def run(self) -> Run:
        return self.several.run


@pytest.fixture(scope="module")
def recovered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recovered]:
    folder = tmp_path_factory.mktemp("several")
    with several_processes(folder, PROCESSES, CLICKS, **VARIABLES) as several:
        it = Recovered(several, several.run.keys())
        it.run.open_incident()
        a_hundred_approve_at_once(it, 1)
        two_are_killed_while_they_replace_keys(it)
        one_is_stopped_while_it_sets_passwords(it)
        people_do_the_rest(it)
        assert len(it.interrupted) == 3
        yield it


def a_hundred_approve_at_once(it: Recovered, step: int) -> None:
    """All of them see the same card and press Approve."""
    run, card = it.run, it.run.card(step)
    people = [run.slack.person(f"UADMIN{number:03}") for number in range(1, CLICKS + 1)]
    # The card stays as it was drawn, so that nobody comes too late to press.
    run.slack.orders.fault({"path": "chat.update"}, "429", seconds=1, times=100_000)
    hangs(run.mailgun, A_NEW_KEY)
    hangs(run.slack, A_HANDOVER)
    with ThreadPoolExecutor(CLICKS) as pool:
        taken = list(pool.map(lambda who: is_taken(who, card), people))
    it.clicked = [who for who, was_taken in zip(people, taken, strict=True) if was_taken]


def is_taken(who: Person, card: Message) -> bool:
    """Press Approve; whether the bot took it. That it takes all of them is for a test to say, not for the run."""
    try:
        who.clicks(card, "approve", confirmed=True)
    except NotTaken:
        return False
    return True


def two_are_killed_while_they_replace_keys(it: Recovered) -> None:
    """One while it makes a key; who takes that over, while it hands the keys over. Two others take their places."""
    several, run = it.several, it.run
    (key,) = [key["id"] for key in it.keys_before if key["description"] == KEY]
    for server, call in ((run.mailgun, A_NEW_KEY), (run.slack, A_HANDOVER)):
        caught = several.catch(server, call, key)
        caught.bot.kill()
        it.interrupted.append(caught)
    several.start(2)
    run.wait("everyone to be answered", lambda: {who.id for who in it.clicked} <= set(answers(run)))
    run.slack.orders.clear("faults")
    run.wait_status(1, "done")


def one_is_stopped_while_it_sets_passwords(it: Recovered) -> None:
    """Until its lease has ended and others have done its work; then it goes on with what it was doing."""
    several, run = it.several, it.run
    hangs(run.mailgun, A_PASSWORD)
    insist(lambda: run.approve(2))
    caught = several.catch(run.mailgun, A_PASSWORD, LOGIN)
    it.interrupted.append(caught)
    it.disturbed = several.stop_past_its_lease(caught)
    run.wait_status(2, "done")


def people_do_the_rest(it: Recovered) -> None:
    run = it.run
    insist(lambda: run.approve(3))
    insist(lambda: run.approve(4))
    run.everyone_is_asked(3)
    run.everyone_is_asked(4)
    run.wait("Dana to be reminded twice", lambda: len(run.reminders("dana")) >= 2)
    run.people_do_their_part()
    run.wait_status(3, "done")
    run.wait_status(4, "done")
    insist(lambda: run.approve(7))
    run.wait_status(7, "done")
    run.save_handovers()
    run.note_everything()
    run.wait_status(5, "waits for a decision")
    run.press(run.olivia, run.card(5), "sent", "4711")
    run.wait("the incident to be closed", lambda: run.value("SELECT status FROM incidents") == "closed")
    run.wait("nothing to be left to do", lambda: not run.rows("SELECT 1 FROM tasks WHERE finished_at IS NULL"))
    run.wait(
        "the trail to be in the thread", lambda: run.value("SELECT audit_count - audit_posted FROM incidents") == 0
    )


def insist(do: Callable[[], None]) -> None:
    """Do it again if a process that was gone got it."""
    try:
        do()
    except NotTaken:
        do()


# --- A hundred clicks -------------------------------------------------------------------------------------


def test_all_hundred_clicks_were_acknowledged_within_three_seconds(recovered: Recovered) -> None:
    clicks = [e for e in events(recovered.run) if e["payload"].get("user", {}).get("id", "").startswith("UADMIN")]
    assert len(clicks) == CLICKS
    assert all(click["state"] == "acknowledged" and click["ack_ms"] < 3000 for click in clicks)
    assert len({click["connection"] for click in clicks}) == PROCESSES, "they reached all of the processes"


def test_one_of_the_hundred_decided_and_everyone_else_was_told_who_and_when(recovered: Recovered) -> None:
    (decided,) = recovered.run.audit("approved step 1")
    winner = decided.split()[0]
    told = answers(recovered.run)
    stored = {row[0] for row in recovered.run.rows("SELECT user_id FROM requests WHERE user_id LIKE 'UADMIN%'")}
    assert set(told) == stored >= {who.id for who in recovered.clicked}
    for who, said in told.items():
        if who == winner:
            assert "Step 1 (Reset API keys) is approved." in said
        else:
            assert f"It was approved by {winner} at 20" in said
            assert "nothing was changed" in said


# --- Each action once -------------------------------------------------------------------------------------


def test_each_decision_took_effect_once(recovered: Recovered) -> None:
    for step in (1, 2, 3, 4):
        assert len(recovered.run.audit(f"approved step {step}")) == 1


def test_a_stopped_process_noticed_that_it_had_lost_its_lease(recovered: Recovered) -> None:
    stopped = recovered.interrupted[-1].bot
    assert "lease lost" in stopped.log_path.read_text()


def test_every_login_has_the_password_in_the_last_message_that_names_it(recovered: Recovered) -> None:
    assert recovered.run.handed_passwords() == recovered.run.passwords()


def test_a_login_was_set_twice_only_where_its_task_was_claimed_twice_or_mailgun_gave_no_answer(
    recovered: Recovered,
) -> None:
    run, logs = recovered.run, recovered.several.logs()
    puts = Counter(c["path"].rpartition("/")[2] for c in run.mailgun.calls() if c["method"] == "PUT")
    claimed = Counter[str]()
    for subject, attempts in run.rows("SELECT subject, attempts FROM tasks WHERE kind LIKE 'smtp_credentials.%'"):
        claimed[str(subject).rpartition("/")[2]] += int(str(attempts))
    logins = {login for _, login in run.passwords()}
    assert len(logins) == 20
    assert LOGIN in {login for login in logins for subject in recovered.disturbed if login in subject}
    for login in logins:
        unanswered = len(re.findall(rf"PUT \S+/{re.escape(login)} (?!200 )", logs))
        assert puts[login] <= claimed[login] + unanswered, login


def test_every_old_key_is_gone_and_has_one_replacement_that_was_handed_over(recovered: Recovered) -> None:
    run = recovered.run
    now = run.keys()
    assert not {key["id"] for key in now} & {key["id"] for key in recovered.keys_before}
    names = Counter(key["description"].partition(" [mc-")[0] for key in now)
    expected = Counter(key["description"] for key in recovered.keys_before if key["kind"] != "web")
    assert names == expected + Counter(["Mailgun recovery bot"])
    handed = set(last_for_each(handed_over(run.slack)).values())
    assert all(k["secret"] in handed for k in now if not k["description"].startswith("Mailgun recovery bot"))


def test_slack_accepted_no_secret_twice(recovered: Recovered) -> None:
    assert set(Counter(sent.secret for sent in handed_over(recovered.run.slack)).values()) == {1}


def test_each_entry_of_the_trail_is_in_the_thread_once_and_in_order(recovered: Recovered) -> None:
    payloads = [reply["metadata"]["event_payload"] for reply in replies(recovered.run, "audit")]
    numbers = [n for p in payloads for n in range(p["first"], p["last"] + 1)]
    count = int(str(recovered.run.value("SELECT audit_count FROM incidents")))
    assert numbers == list(range(1, count + 1))
    kept = recovered.run.rows("SELECT previous, hash FROM audit_entries ORDER BY number")
    assert [found for payload in payloads for found in payload["hashes"]] == [row[1] for row in kept]
    assert [row[0] for row in kept] == ["0" * 64, *(row[1] for row in kept[:-1])]


def test_there_is_one_board_and_one_card_a_step(recovered: Recovered) -> None:
    assert len(recovered.run.slack.messages(kind="board")) == 1
    titles = Counter(card.title.partition(".")[0] for card in recovered.run.slack.messages(kind="step"))
    assert titles == Counter(str(number) for number in range(STEPS))


def test_each_reminder_was_sent_once(recovered: Recovered) -> None:
    sent = [
        json.dumps(reply["metadata"]["event_payload"], sort_keys=True)
        for name in ("olivia", "priya", "dana")
        for reply in direct_replies(recovered.run, name, "reminder")
    ]
    assert sent
    assert set(Counter(sent).values()) == {1}


def test_no_process_met_a_defect_or_ended_by_itself(recovered: Recovered) -> None:
    killed = [caught.bot for caught in recovered.interrupted[:-1]]
    assert [bot for bot in recovered.several.bots.values() if not bot.is_running and bot not in killed] == []
    logs = recovered.several.logs()
    assert "Traceback" not in logs
    assert "a defect in" not in logs


def test_no_secret_is_in_any_log(recovered: Recovered) -> None:
    logs = recovered.several.logs()
    assert not [secret for secret in recovered.run.secrets() if secret in logs]


# --- What is looked at --------------------------------------------------------------------------------------


def events(run: Run) -> list[JsonObject]:
    """Everything that Slack sent to the processes."""
    return [entry for entry in run.slack.log() if entry["kind"] == "event"]


def answers(run: Run) -> dict[str, str]:
    """The words of the private answer to each of the hundred."""
    found = {}
    for entry in run.slack.log():
        if entry["kind"] == "call" and entry["method"] == "response_url" and entry["ok"]:
            user = str((entry["answer"] or {}).get("user"))
            if user.startswith("UADMIN"):
                found[user] = json.dumps(entry["body"])
    return found


def replies(run: Run, kind: str) -> list[JsonObject]:
    """The messages of that kind in the thread, as they stand."""
    heads = run.slack.orders.look("messages", channel=INCIDENT)["messages"]
    return [reply for head in heads for reply in head["replies"] if is_a(reply, kind)]


def direct_replies(run: Run, name: str, kind: str) -> list[JsonObject]:
    """The messages of that kind in somebody's direct message."""
    heads = run.slack.orders.look("messages", channel=run.person(name).id)["messages"]
    return [message for head in heads for message in (head, *head["replies"]) if is_a(message, kind)]


def is_a(message: JsonObject, kind: str) -> bool:
    return bool(re.fullmatch(f"mailgun_recovery_{kind}", str((message.get("metadata") or {}).get("event_type"))))
