"""The verdict: a recovered account passes, and whatever is not as it should be fails the check that is about it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from drill.evidence import Evidence, Part
from drill.verdict import failures, judge

MARK = "[mc-0b9c5f0e-3c44-4a57-8f0e-6d2f6f3a1b11]"
OLD_PASSWORD, PASSWORD = "old-password-of-app", "new-password-of-app-0123456789ab"
OLD_KEY, KEY, OWN_KEY = "old-secret-of-shop", "new-secret-of-shop", "secret-of-the-bot"
OLD_SIGNING, SIGNING = "key-old-signing-0123", "key-new-signing-0123"
TOKEN = "xoxb-token"

Break = Callable[[Evidence], Evidence]


def key(key_id: str, secret: str, description: str, **more: Any) -> dict[str, Any]:
    shape = {"kind": "domain", "role": "sending", "domain_name": "mg.example.com", "subaccount_id": None}
    made = {"deleted": False, "created_by": None}
    return {"id": key_id, "secret": secret, "description": description, **made, **shape, **more}


def user(email: str, method: str = "password", *, tfa: bool = True, reset: str = "2026-02-01") -> dict[str, Any]:
    return {
        "id": email,
        "email": email,
        "auth_method": method,
        "migration_status": None,
        "tfa_active": tfa,
        "password_updated_at": reset,
        "is_disabled": False,
        "removed": False,
    }


def state(
    keys: list[dict[str, Any]], password: str, users: list[dict[str, Any]], disabled: bool, signing: str
) -> dict[str, Any]:
    credential = {"login": "app@mg.example.com", "password": password, "set_by": None}
    domains = [{"name": "mg.example.com", "credentials": [credential]}]
    mail = {"domain": "mg.example.com", "host": "storage-us-east4", "subject": "Your account is on hold"}
    queued = [{**mail, "deleted": not disabled}]
    account = {"disabled": disabled, "http_signing_key": signing, "public_key": f"pub{signing}"}
    return {"account": account, "domains": domains, "keys": keys, "users": users, "queued": queued}


def handover(channel: str, lines: str, seq: int) -> dict[str, Any]:
    text = {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": lines}]}
    body = {
        "channel": channel,
        "text": "Handover 1: 1 new secret.",
        "blocks": [{"type": "rich_text", "elements": [text]}],
        "metadata": {"event_type": "mailgun_recovery_handover", "event_payload": {}},
    }
    return call("chat.postMessage", body, channel, seq)


def call(method: str, body: dict[str, Any], channel: str, seq: int) -> dict[str, Any]:
    answer = {"channel": channel, "ts": f"{seq}.0"}
    return {"kind": "call", "seq": seq, "method": method, "body": body, "ok": True, "answer": answer}


def recovered() -> Evidence:
    """An account with a sending key, a session, a login and three users, recovered as it should be."""
    old = [
        key("k1", OLD_KEY, "Shop"),
        key("w1", "secret-of-a-session", "web session", kind="web", role="admin", domain_name=None),
    ]
    new = [
        *({**one, "deleted": True} for one in old),
        key("k2", KEY, f"Shop {MARK}"),
        key("k3", OWN_KEY, f"Bot {MARK}", kind="user", role="admin", domain_name=None),
    ]
    before = [user("olivia@example.com", tfa=False, reset="2026-01-01"), user("sam@example.com", "sinch")]
    after = [user("olivia@example.com"), user("sam@example.com", "sinch")]
    log = [
        handover("DOLIVIA", f"app@mg.example.com  {PASSWORD}", 1),
        handover("DOLIVIA", f"Shop (sending)  {KEY}", 2),
        {"kind": "event", "seq": 3, "type": "interactive", "payload": {"type": "block_actions"}, "response": {}},
        handover("DOLIVIA", f"Webhook signing key  {SIGNING}\nPublic validation key  pub{SIGNING}", 4),
    ]
    return Evidence(
        before=state(old, OLD_PASSWORD, before, disabled=True, signing=OLD_SIGNING),
        after=state(new, PASSWORD, after, disabled=False, signing=SIGNING),
        slack_log=log,
        parts=[*parts("olivia@example.com", "done"), *parts("sam@example.com", "vouched", "UPRIYA")],
        bot_log=b"the bot is ready",
        database=b"SQLite format 3",
        tokens=[TOKEN],
    )


def after(change: Callable[[dict[str, Any]], object]) -> Break:
    """Mailgun's state at the end is another one."""

    def apply(evidence: Evidence) -> Evidence:
        changed = copy.deepcopy(evidence.after)
        change(changed)
        return replace(evidence, after=changed)

    return apply


def said(*more: dict[str, Any]) -> Break:
    """More is in Slack's log."""
    return lambda evidence: replace(evidence, slack_log=[*evidence.slack_log, *more])


def parts(who: str, status: str, by: str | None = None, reason: str | None = None) -> list[Part]:
    """What became of both that a user was asked for."""
    return [Part(who, who, what, status, by, reason) for what in ("passwords", "two_factor")]


def ended(who: str, status: str, by: str | None = None, reason: str | None = None, what: str = "") -> Break:
    """What somebody was asked for, or one of both, ended in another way."""

    def apply(evidence: Evidence) -> Evidence:
        others = [part for part in evidence.parts if part.user != who or what not in part.what]
        return replace(evidence, parts=[*others, *(p for p in parts(who, status, by, reason) if what in p.what)])

    return apply


def both(*changes: Break) -> Break:
    def apply(evidence: Evidence) -> Evidence:
        for change in changes:
            evidence = change(evidence)
        return evidence

    return apply


def checklist(key: str, seq: int) -> dict[str, Any]:
    metadata = {"event_type": "mailgun_recovery_checklist", "event_payload": {"key": key}}
    return call("chat.postMessage", {"text": "Please", "metadata": metadata}, "DOLIVIA", seq)


def test_a_recovered_account_passes() -> None:
    assert failures(judge(recovered())) == []


WELL = [
    ("somebody has no 2FA, and was let go", lambda s: s["users"][0].update(tfa_active=False)),
    ("somebody has the old password, and was let go", lambda s: s["users"][0].update(password_updated_at="2026-01-01")),
]


@pytest.mark.parametrize("change", [pytest.param(change, id=name) for name, change in WELL])
def test_who_was_let_go_by_name_and_with_a_reason_is_settled(change: Callable[[dict[str, Any]], object]) -> None:
    let_go = ended("olivia@example.com", "excused", "UPRIYA", "no phone until Monday")
    assert failures(judge(both(let_go, after(change))(recovered()))) == []


def test_who_was_removed_at_mailgun_is_settled() -> None:
    gone = both(after(lambda s: s["users"][0].update(removed=True)), ended("olivia@example.com", "dropped"))
    assert failures(judge(gone(recovered()))) == []


def test_a_key_that_somebody_made_by_hand_is_a_replacement_that_needs_no_mark_and_no_handover() -> None:
    by_hand = {"description": "Shop", "created_by": "control panel", "secret": "shown-in-the-control-panel"}
    assert failures(judge(after(lambda s: s["keys"][2].update(by_hand))(recovered()))) == []


def test_a_password_that_somebody_set_by_hand_needs_no_handover() -> None:
    by_hand = {"password": "set-in-the-control-panel", "set_by": "control panel"}
    change = after(lambda s: s["domains"][0]["credentials"][0].update(by_hand))
    assert failures(judge(change(recovered()))) == []


def test_what_somebody_enters_into_a_form_is_their_own() -> None:
    entered = {"type": "view_submission", "view": {"state": {"values": {"words": KEY}}}}
    event = {"kind": "event", "seq": 4, "type": "interactive", "payload": entered, "response": {}}
    assert failures(judge(said(event)(recovered()))) == []


BROKEN: list[tuple[str, str, Break]] = [
    ("an old key lives", "Old keys", after(lambda s: s["keys"][0].update(deleted=False))),
    ("a session lives", "Old keys", after(lambda s: s["keys"][1].update(deleted=False))),
    ("a key has no replacement", "Replacements", after(lambda s: s["keys"].pop(2))),
    ("a key has two", "Replacements", after(lambda s: s["keys"].append(key("k4", KEY, f"Shop {MARK}")))),
    ("a replacement has another role", "Replacements", after(lambda s: s["keys"][2].update(role="developer"))),
    ("a replacement has no mark", "Replacements", after(lambda s: s["keys"][2].update(description="Shop"))),
    ("the bot has no key", "Replacements", after(lambda s: s["keys"].pop(3))),
    ("a key was handed to nobody", "Keys handed over", after(lambda s: s["keys"][2].update(secret="unknown"))),
    ("mail is queued still", "Queued mail", after(lambda s: s["queued"][0].update(deleted=False))),
    (
        "a replacement is another account's",
        "Replacements",
        after(lambda s: s["keys"][2].update(subaccount_id="shop")),
    ),
    (
        "the signing key is the old one",
        "Account-wide keys",
        after(lambda s: s["account"].update(http_signing_key=OLD_SIGNING)),
    ),
    (
        "nobody was handed the public key",
        "Account-wide keys",
        after(lambda s: s["account"].update(public_key="pubkey-of-nobody")),
    ),
    (
        "a password was set back",
        "SMTP passwords",
        after(lambda s: s["domains"][0]["credentials"][0].update(password="set-back")),
    ),
    (
        "a password was handed over for another login",
        "SMTP passwords",
        after(lambda s: s["domains"][0]["credentials"][0].update(login="billing@mg.example.com")),
    ),
    (
        "somebody kept their password",
        "People's passwords",
        after(lambda s: s["users"][0].update(password_updated_at="2026-01-01")),
    ),
    ("somebody lacks 2FA", "Two-factor authentication", after(lambda s: s["users"][0].update(tfa_active=False))),
    ("nobody vouched", "Vouchers", ended("sam@example.com", "done")),
    ("somebody vouched for one step only", "Vouchers", ended("sam@example.com", "done", what="two_factor")),
    ("a voucher has no name", "Vouchers", ended("sam@example.com", "vouched")),
    ("somebody is left", "Everyone", ended("olivia@example.com", "open")),
    ("somebody was let go by nobody", "Everyone", ended("olivia@example.com", "excused", None, "no phone")),
    ("somebody was let go without a reason", "Everyone", ended("olivia@example.com", "excused", "UPRIYA")),
    ("somebody was never asked", "Everyone", lambda evidence: replace(evidence, parts=evidence.parts[1:])),
    (
        "something is asked of who is no user",
        "Everyone",
        both(ended("sam@example.com", "open"), after(lambda s: s["users"][1].update(removed=True))),
    ),
    ("somebody was asked in two messages", "One message", said(checklist("db:1", 4), checklist("db:1", 5))),
    ("the account is disabled", "Account", after(lambda s: s["account"].update(disabled=True))),
    ("a secret was sent twice", "Sent once", said(handover("DOLIVIA", f"app@mg.example.com  {PASSWORD}", 4))),
    ("a handover is in a channel", "In private", said(handover("CINCIDENT", "b@mg.example.com  other-secret", 4))),
    ("a secret is in a notification", "In private", said(call("chat.postMessage", {"text": PASSWORD}, "DOLIVIA", 4))),
    ("a secret is in an edit", "In private", said(call("chat.update", {"blocks": f"[{KEY}]"}, "DOLIVIA", 4))),
    ("a secret is in a refused call", "In private", said(call("x", {"text": KEY}, "C", 4) | {"ok": False})),
    (
        "a secret is in what a click brings",
        "In private",
        said({"kind": "event", "seq": 4, "type": "interactive", "payload": {"message": OWN_KEY}, "response": None}),
    ),
    ("the log has a password", "Log", lambda evidence: replace(evidence, bot_log=PASSWORD.encode())),
    ("the log has an old key", "Log", lambda evidence: replace(evidence, bot_log=OLD_KEY.encode())),
    ("the log has a token", "Log", lambda evidence: replace(evidence, bot_log=TOKEN.encode())),
    ("the database has a key", "Database", lambda evidence: replace(evidence, database=OWN_KEY.encode())),
]


@pytest.mark.parametrize(("name", "change"), [pytest.param(n, c, id=i) for i, n, c in BROKEN])
def test_what_is_wrong_fails_its_check(name: str, change: Break) -> None:
    broken = failures(judge(change(recovered())))
    assert name in [check.name for check in broken]
    # What a check says is printed: it may name logins and keys, never their secrets.
    secrets = change(recovered()).secrets()
    assert not any(secret in check.found for check in broken for secret in secrets)


def test_every_check_can_fail() -> None:
    assert {check.name for check in judge(recovered())} == {name for _, name, _ in BROKEN}
