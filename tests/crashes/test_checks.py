"""The checks find what they are there for: after an unharmed run they find nothing, then one harm after another."""

import copy
from collections.abc import Callable, Iterator

import pytest
import requests

from drill.slack.workspaces import INCIDENT
from tests.crashes.checks import check
from tests.crashes.findings import Harm
from tests.crashes.play import play
from tests.crashes.run import CrashRun, crash_run
from tests.databases import migrated_url


@pytest.fixture(scope="module")
def over(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CrashRun]:
    """A run that nobody harmed, over and at rest."""
    folder = tmp_path_factory.mktemp("unharmed")
    with crash_run(folder, migrated_url("sqlite", folder)) as run:
        play(run)
        run.rest()
        yield run


def test_nothing_is_wrong_with_a_run_that_nobody_harmed(over: CrashRun) -> None:
    assert check(over) == []


def set_a_password(run: CrashRun) -> None:
    domain = run.company.mailgun.orders.look("state")["domains"][0]
    own = next(key for key in run.keys("user") if key["description"].startswith("Mailgun recovery bot"))
    assert run.mailgun.sets_smtp_password(own["secret"], domain["name"], f"app@{domain['name']}", "somebody-elses")


def make_another_signing_key(run: CrashRun) -> None:
    own = next(key for key in run.keys("user") if key["description"].startswith("Mailgun recovery bot"))
    url = f"{run.mailgun.region_url('us')}/v5/accounts/http_signing_key"
    assert requests.post(url, auth=("api", own["secret"]), timeout=10).ok


def leave_a_key(run: CrashRun) -> None:
    run.mailgun.orders.give("keys", kind="user", role="admin", description="Backend")


def send_a_secret_again(run: CrashRun) -> None:
    posts = [heard for heard in run.slack_wire.heard if "Save these now" in heard.text]
    again = copy.copy(posts[-1])
    # As one whose answer never came: it may have arrived.
    again.status, again.answer = None, b""
    run.slack_wire.heard.append(again)


def lose_an_entry(run: CrashRun) -> None:
    run.execute("DELETE FROM audit_entries WHERE number = 5")


def post_an_entry_again(run: CrashRun) -> None:
    workspace = run.slack.workspace
    posted = next(m for m in workspace.messages(INCIDENT) if "_audit" in str((m.metadata or {}).get("event_type")))
    channel = workspace.channels[INCIDENT]
    workspace.post(
        channel, workspace.app.bot_user_id, posted.text, thread_ts=posted.thread_ts, metadata=posted.metadata
    )


def forget_a_reminder(run: CrashRun) -> None:
    run.execute("UPDATE audit_entries SET action = 'wiped' WHERE action = 'reminded a person'")


def decide_again(run: CrashRun) -> None:
    run.execute("UPDATE steps SET version = version + 1 WHERE number = 2")


def log_a_secret(run: CrashRun) -> None:
    with run.bot.log_path.open("a") as log:
        log.write(next(iter(run.passwords().values())))


def forget_the_vault(run: CrashRun) -> None:
    run.execute("DELETE FROM vault_keys")


def leave_a_request(run: CrashRun) -> None:
    run.execute("UPDATE requests SET outcome = NULL WHERE id = 1")


def lose_a_request(run: CrashRun) -> None:
    # In the place of another, which keeps their number.
    run.execute("UPDATE requests SET dedupe = 'somebody else''s' WHERE id = (SELECT max(id) FROM requests)")


def keep_a_secret(run: CrashRun) -> None:
    run.execute(f"UPDATE incidents SET description = '{next(iter(run.passwords().values()))}'")


def post_a_card_again(run: CrashRun) -> None:
    workspace = run.slack.workspace
    posted = next(m for m in workspace.messages(INCIDENT) if "_step" in str((m.metadata or {}).get("event_type")))
    workspace.post(workspace.channels[INCIDENT], workspace.app.bot_user_id, posted.text, metadata=posted.metadata)


def wipe_twice(run: CrashRun) -> None:
    run.execute(
        "UPDATE audit_entries SET action = (SELECT action FROM audit_entries WHERE action = 'wiped'), subject ="
        " (SELECT subject FROM audit_entries WHERE action = 'wiped') WHERE number = 6"
    )


def bring_an_old_key_back(run: CrashRun) -> None:
    old = next(key for key in run.before["keys"] if key["kind"] == "domain")
    run.before["keys"].append({**old, "id": run.keys("domain")[0]["id"]})


def doubt_a_handover(run: CrashRun) -> None:
    run.execute("UPDATE handovers SET status = 'doubtful' WHERE number = (SELECT max(number) FROM handovers)")


def show_a_secret(run: CrashRun) -> None:
    workspace = run.slack.workspace
    secret = next(iter(run.passwords().values()))
    workspace.post(workspace.channels[INCIDENT], workspace.app.bot_user_id, secret)


@pytest.mark.parametrize(
    ("harm", "do", "words"),
    [
        (Harm.REPEATED, post_an_entry_again, "is in the thread twice"),
        (Harm.LOST, set_a_password, "is not the one handed over last"),
        (Harm.LOST, make_another_signing_key, "http_signing_key is not the one handed over last"),
        (Harm.ORPHANED, leave_a_key, "too many of"),
        (Harm.REPEATED, send_a_secret_again, "2 messages that Slack may have taken"),
        (Harm.LOST, lose_an_entry, "does not follow from the one before"),
        (Harm.LOST, forget_a_reminder, "and the trail tells of"),
        (Harm.LOST, decide_again, "step 2 moved"),
        (Harm.LOST, log_a_secret, "is in the log"),
        (Harm.LOST, leave_a_request, "was never judged"),
        (Harm.LOST, lose_a_request, "was acknowledged, and not stored"),
        (Harm.LOST, keep_a_secret, "is in the database"),
        (Harm.LOST, doubt_a_handover, "was in a handover that was given up"),
        (Harm.LOST, show_a_secret, "a secret stands in the"),
        (Harm.REPEATED, post_a_card_again, "stands 2 times"),
        (Harm.REPEATED, wipe_twice, "wiped"),
        (Harm.ORPHANED, bring_an_old_key_back, "still works"),
        (Harm.LOCKED_OUT, forget_the_vault, "to the key in the vault"),
    ],
)
def test_a_harm_is_found(over: CrashRun, harm: Harm, do: Callable[[CrashRun], None], words: str) -> None:
    def such() -> list[str]:
        return [each.words for each in check(over) if each.harm is harm and words in each.words]

    before = such()
    do(over)
    assert len(such()) > len(before)
