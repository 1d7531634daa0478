"""From the typed command to a closed incident, on both databases: what is true once it is over."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qs

import pytest

from drill.calls import message_of
from drill.ordering import JsonObject
from drill.process import BotProcess
from drill.slack.workspaces import INCIDENT
from tests.databases import KINDS
from tests.e2e.handed_over import accepted, handed_over, last_for_each
from tests.e2e.recovery_run import PASSWORD, STEPS, TWO_FACTOR, Run, recovery_run

PROCESS = BotProcess
"""The shipped command, for how it starts and ends is a part of what is looked at here."""

MARKED = r" \[mc-[0-9a-f-]{36}\]"


@dataclass
class Recovered:
    """A run that is over, and what Mailgun looked like before it."""

    run: Run
    keys_before: list[JsonObject]
    passwords_before: dict[tuple[str, str], str]
    account_before: JsonObject

    def successors(self, old: JsonObject) -> list[JsonObject]:
        """The keys that now stand for an old one: its role, its domain, its description and a mark."""
        return [
            key
            for key in self.run.keys("user", "domain")
            if key["description"].partition(" [mc-")[0] == old["description"]
            and (key["kind"], key["role"], key["domain_name"]) == (old["kind"], old["role"], old["domain_name"])
        ]


@pytest.fixture(scope="module", params=KINDS)
def recovered(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recovered]:
    folder = tmp_path_factory.mktemp(f"whole-{request.param}")
    with recovery_run(folder, kind=request.param, REMIND_EVERY="1s", process=PROCESS) as run:
        before = Recovered(run, run.keys(), run.passwords(), run.mailgun.state()["account"])
        run.open_incident()
        run.complete(1)
        run.complete(2)
        run.approve(3)
        run.approve(4)
        run.everyone_is_asked(3)
        run.everyone_is_asked(4)
        run.wait("Dana to be reminded twice", lambda: len(run.reminders("dana")) >= 2)
        run.people_do_their_part()
        run.wait_status(3, "done")
        run.wait_status(4, "done")
        run.complete(7)
        run.save_handovers()
        run.note_everything()
        run.wait_status(5, "waits for a decision")
        run.press(run.olivia, run.card(5), "sent", "4711")
        run.wait("the incident to be closed", lambda: run.value("SELECT status FROM incidents") == "closed")
        run.wait(
            "the trail to be in the thread",
            lambda: run.value("SELECT audit_count - audit_posted FROM incidents") == 0,
        )
        run.wait("the board to say so", lambda: "closed" in run.slack.board().words)
        run.wait("every handover to be wiped", lambda: not run.rows("SELECT 1 FROM handovers WHERE wiped_at IS NULL"))
        for step in range(STEPS):
            run.wait_status(step, "done")
        run.rest()
        yield before


def test_every_old_key_is_gone(recovered: Recovered) -> None:
    left = {key["id"] for key in recovered.run.keys()}
    assert not left & {key["id"] for key in recovered.keys_before}


def test_every_old_key_has_exactly_one_replacement_like_it_with_a_mark(recovered: Recovered) -> None:
    for old in recovered.keys_before:
        if old["kind"] != "web":
            (successor,) = recovered.successors(old)
            assert re.search(MARKED, successor["description"])


def test_one_more_key_is_the_bots_own(recovered: Recovered) -> None:
    replaced = [key["id"] for old in recovered.keys_before for key in recovered.successors(old)]
    (own,) = [key for key in recovered.run.keys("user", "domain") if key["id"] not in replaced]
    assert (own["kind"], own["role"]) == ("user", "admin")
    assert own["description"].startswith("Mailgun recovery bot [mc-")


def test_the_bots_own_key_was_handed_to_nobody(recovered: Recovered) -> None:
    (own,) = [k for k in recovered.run.keys("user") if k["description"].startswith("Mailgun recovery bot")]
    assert own["secret"] not in {sent.secret for sent in handed_over(recovered.run.slack)}


def test_each_replacement_was_handed_over(recovered: Recovered) -> None:
    handed = {sent.secret for sent in handed_over(recovered.run.slack)}
    for old in recovered.keys_before:
        assert all(key["secret"] in handed for key in recovered.successors(old))


def test_the_webhook_signing_key_and_the_public_key_are_others_which_were_handed_over(recovered: Recovered) -> None:
    handed = last_for_each(handed_over(recovered.run.slack))
    account = recovered.run.mailgun.state()["account"]
    names = {"http_signing_key": "Webhook signing key", "public_key": "Public validation key"}
    for field, label in names.items():
        assert account[field] != recovered.account_before[field]
        assert account[field] == handed["The whole account", label]


def test_the_new_signing_key_was_made_once_nobody_could_read_it_with_an_old_key(recovered: Recovered) -> None:
    changes = [(call["method"], call["path"]) for call in recovered.run.changes_at_mailgun()]
    signing = changes.index(("POST", "/v5/accounts/http_signing_key"))
    assert not [path for method, path in changes[signing:] if method == "DELETE" and path.startswith("/v1/keys")]


def test_each_smtp_password_is_the_one_in_the_last_message_that_names_its_login(recovered: Recovered) -> None:
    assert recovered.run.handed_passwords() == recovered.run.passwords()


def test_no_smtp_password_is_what_it_was(recovered: Recovered) -> None:
    assert not set(recovered.passwords_before.values()) & set(recovered.run.passwords().values())


def test_smtp_passwords_are_32_letters_and_digits(recovered: Recovered) -> None:
    for password in recovered.run.passwords().values():
        assert len(password) == 32 and password.isascii() and password.isalnum()


def test_everybody_was_signed_out_of_the_control_panel(recovered: Recovered) -> None:
    assert any(key["kind"] == "web" for key in recovered.keys_before)
    assert not recovered.run.keys("web")


def test_slack_accepted_no_secret_twice(recovered: Recovered) -> None:
    bodies = [json.dumps(call["body"]) for call in accepted(recovered.run.slack)]
    for secret in recovered.run.secrets():
        assert sum(body.count(secret) for body in bodies) <= 1


def test_no_secret_is_in_a_channel(recovered: Recovered) -> None:
    run = recovered.run
    said = [
        json.dumps(c["body"])
        for c in accepted(run.slack)
        if not str((c["answer"] or {}).get("channel")).startswith("D")
    ]
    assert said
    assert not [secret for secret in run.secrets() if any(secret in body for body in said)]


def test_no_secret_is_in_a_notification(recovered: Recovered) -> None:
    texts = "\n".join(str(call["body"].get("text", "")) for call in accepted(recovered.run.slack))
    assert not [secret for secret in recovered.run.secrets() if secret in texts]


def test_no_secret_stands_in_any_direct_message_once_it_is_saved(recovered: Recovered) -> None:
    shown = json.dumps([message.blocks for message in recovered.run.olivia.inbox()])
    assert not [secret for secret in recovered.run.secrets() if secret in shown]


def test_no_secret_is_in_the_log_at_debug(recovered: Recovered) -> None:
    log = recovered.run.log_text()
    assert " DEBUG " in log
    assert not [secret for secret in recovered.run.secrets() if secret in log]


def test_no_secret_is_in_the_database(recovered: Recovered) -> None:
    dump = recovered.run.database_dump()
    assert "Our key was in a public repository" in dump, "the dump holds what the database holds"
    assert not [secret for secret in recovered.run.secrets() if secret in dump]


def test_everyone_was_asked_for_both_in_one_message(recovered: Recovered) -> None:
    for name in ("olivia", "priya", "dana"):
        (message,) = recovered.run.person(name).inbox("checklist")
        assert f"☑ {PASSWORD}: done" in message.words
        assert f"☑ {TWO_FACTOR}: done" in message.words
        assert not message.buttons and not message.menus


def test_who_leads_the_recovery_and_is_a_user_too_is_asked_in_other_words(recovered: Recovered) -> None:
    asked = {message_of(call).channel: message_of(call) for call in posted(recovered.run, "checklist")}
    words = {
        name: asked[recovered.run.slack.workspace.dm_with(f"U{name.upper()}").id].words for name in ("olivia", "dana")
    }
    assert "You lead this recovery yourself" in words["olivia"]
    assert "Asked by <@UOLIVIA>" in words["dana"]


def test_reminders_stand_under_what_they_remind_of(recovered: Recovered) -> None:
    dana = recovered.run.person("dana")
    (asked,) = dana.inbox("checklist")
    reminders = dana.inbox("reminder")
    assert reminders
    assert {reminder.thread_ts for reminder in reminders} == {asked.ts}


def test_the_thread_does_not_say_whose_2fa_is_missing(recovered: Recovered) -> None:
    trail = "\n".join(message.words for message in recovered.run.slack.messages(kind="audit"))
    assert "dana@example.com" not in trail


def test_the_board_says_recovered_and_closed(recovered: Recovered) -> None:
    board = recovered.run.slack.board()
    assert "Recovered and closed" in board.words


def test_each_card_says_that_its_step_is_done(recovered: Recovered) -> None:
    numbers = range(STEPS)
    assert {n: recovered.run.slack.step_status(n) for n in numbers} == dict.fromkeys(numbers, "done")


def test_the_note_shows_what_was_found_and_by_whom(recovered: Recovered) -> None:
    note = recovered.run.card(6).words
    assert note.count("Nothing was found") == 2
    assert note.count("<@UOLIVIA>") >= 2


def test_each_entry_of_the_trail_is_in_the_thread_exactly_once_and_in_order(recovered: Recovered) -> None:
    numbers = [n for p in _trail(recovered.run) for n in range(p["first"], p["last"] + 1)]
    assert numbers == list(range(1, int(str(recovered.run.value("SELECT audit_count FROM incidents"))) + 1))


def test_the_hashes_in_the_thread_are_those_of_the_database(recovered: Recovered) -> None:
    kept = [row[0] for row in recovered.run.rows("SELECT hash FROM audit_entries ORDER BY number")]
    assert [found for payload in _trail(recovered.run) for found in payload["hashes"]] == kept


def test_each_entry_holds_the_hash_of_the_one_before(recovered: Recovered) -> None:
    rows = recovered.run.rows("SELECT previous, hash FROM audit_entries ORDER BY number")
    assert [previous for previous, _ in rows] == ["0" * 64, *(found for _, found in rows[:-1])]


def test_every_event_was_acknowledged_within_three_seconds(recovered: Recovered) -> None:
    events = [entry for entry in recovered.run.slack.log() if entry["kind"] == "event"]
    assert events
    assert all(event["state"] == "acknowledged" and event["ack_ms"] < 3000 for event in events)


def test_slack_refused_nothing_that_the_bot_did(recovered: Recovered) -> None:
    calls = [entry for entry in recovered.run.slack.log() if entry["kind"] == "call" and not entry["ok"]]
    assert [(call["method"], call["error"]) for call in calls] == []


def test_no_login_was_set_twice(recovered: Recovered) -> None:
    puts = Counter((c["region"], c["path"]) for c in recovered.run.mailgun.calls() if c["method"] == "PUT")
    assert set(puts.values()) == {1}
    assert len(puts) == len(recovered.passwords_before)


def test_the_largest_pages_were_asked_for(recovered: Recovered) -> None:
    largest = {"credentials": "1000", "domains": "1000", "users": "100", "subaccounts": "1000", "routes": "1000"}
    for call in recovered.run.mailgun.calls():
        listed, query = call["path"].rpartition("/")[2], parse_qs(call["query"])
        if call["method"] == "GET" and "skip" in query:
            assert query["limit"] == [largest[listed]], call


def test_mailgun_refused_nothing_that_the_bot_did(recovered: Recovered) -> None:
    assert [call for call in recovered.run.mailgun.calls() if call["status"] >= 400] == []


def test_support_gets_a_message_without_a_secret_and_the_ticket_is_kept(recovered: Recovered) -> None:
    run = recovered.run
    drawn = [
        json.dumps(c["body"]["blocks"])
        for c in accepted(run.slack, "chat.update")
        if "Copy the message below" in json.dumps(c["body"])
    ]
    assert drawn
    assert not [secret for secret in run.secrets() if secret in drawn[0]]
    assert run.value("SELECT ticket FROM incidents") == "4711"


def posted(run: Run, kind: str) -> list[JsonObject]:
    """Every message of that kind as it was posted."""
    return [call for call in accepted(run.slack, "chat.postMessage") if message_of(call).kind == kind]


def _trail(run: Run) -> list[JsonObject]:
    """What the trail's messages in the thread say of themselves, in the order in which they stand."""
    (head,) = [m for m in run.slack.orders.look("messages", channel=INCIDENT)["messages"] if m.get("replies")]
    return [
        reply["metadata"]["event_payload"]
        for reply in head["replies"]
        if (reply.get("metadata") or {}).get("event_type") == "mailgun_recovery_audit"
    ]
