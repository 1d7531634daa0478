"""The verdict: whether the account is recovered and no secret got loose, by the practice servers' own account.

Nothing here uses the bot's code: what judges must not share a mistake with what is judged.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable

from drill.calls import HandedOver, handed_over, structured
from drill.checks import Check, check
from drill.evidence import ACCOUNT_WIDE, Evidence, Part
from drill.ordering import JsonObject
from drill.traces import what_became_of_the_visit

_MARK = re.compile(r" ?\[mc-[0-9a-f-]{36}\]$")
PASSWORD, TWO_FACTOR = "passwords", "two_factor"
_ASKED_OF_PEOPLE = (PASSWORD, TWO_FACTOR)
_CHECKLIST = "mailgun_recovery_checklist"
_PANEL = "control panel"
"""Who made a key or set a password by hand, by Mailgun's account of it."""

_ACCOUNT_WIDE_NAMES = dict(zip(ACCOUNT_WIDE, ("the webhook signing key", "the public validation key"), strict=True))

KeyShape = tuple[str, str, str | None, str, str | None]
"""A key's kind, role, domain, description and subaccount: what its replacement has in common with it."""


def judge(evidence: Evidence) -> list[Check]:
    """Every check, in the order in which they are read out."""
    return [
        old_keys_are_gone(evidence),
        each_key_has_one_replacement(evidence),
        keys_were_handed_over(evidence),
        account_wide_keys_are_new(evidence),
        passwords_were_handed_over(evidence),
        nothing_is_queued(evidence),
        people_reset_their_passwords(evidence),
        people_have_two_factor(evidence),
        others_are_vouched_for(evidence),
        everyone_is_settled(evidence),
        each_was_written_to_once(evidence),
        account_is_enabled(evidence),
        *what_became_of_the_visit(evidence),
        secrets_were_sent_once(evidence),
        secrets_were_sent_in_private(evidence),
        nothing_in_the_log(evidence),
        nothing_in_the_database(evidence),
    ]


def failures(checks: Iterable[Check]) -> list[Check]:
    """The checks that did not pass."""
    return [check for check in checks if not check.passed]


# --- Keys -----------------------------------------------------------------------------------------------


def old_keys_are_gone(evidence: Evidence) -> Check:
    """Every key from before, sessions too, is deleted at Mailgun."""
    present = {key["id"] for key in _present(evidence.after)}
    left = [_named(key) for key in evidence.before["keys"] if key["id"] in present]
    total = len(evidence.before["keys"])
    return check("Old keys", left, f"All {total} keys and sessions from before are deleted.", "Still there: {}.")


def each_key_has_one_replacement(evidence: Evidence) -> Check:
    """Each key of the company's from before, account or sending, has one replacement like it, marked where the bot made
    it; the bot's own is one more."""
    visit = evidence.visit
    own = (key for key in _present(evidence.before) if visit is None or key["id"] != visit.left.key_id)
    old = Counter(_shape(key) for key in own if key["kind"] != "web")
    present = [key for key in _present(evidence.after) if key["kind"] != "web"]
    unmarked = [
        f"{_named(key)} has no mark"
        for key in present
        if key["created_by"] != _PANEL and not _MARK.search(key["description"])
    ]
    new = Counter(_shape(key) for key in present)
    missing = [f"none for {_told(shape)}" for shape in (old - new)]
    extra = list((new - old).elements())
    # One more than there were: the key that the bot works with. It must be an admin's.
    is_own = len(extra) == 1 and extra[0][:2] == ("user", "admin")
    surplus = [] if is_own else [f"beside them {_told(shape)}" for shape in extra] or ["the bot has no key"]
    return check(
        "Replacements",
        [*missing, *unmarked, *surplus],
        f"Each of the {old.total()} old keys has exactly one replacement, and the bot has one of its own.",
        "Wrong: {}.",
    )


def keys_were_handed_over(evidence: Evidence) -> Check:
    """Every key that works now was sent to the requester, save the bot's own, which was not, and those that somebody
    made by hand and saw there."""
    sent = {handed.secret for handed in evidence.handed_over()}
    made = [key for key in _present(evidence.after) if key["kind"] != "web" and key["created_by"] != _PANEL]
    kept = [key for key in made if key["secret"] not in sent]
    wrong = [_named(key) for key in kept] if len(kept) != 1 else []
    return check("Keys handed over", wrong, "Every key but the bot's own was handed over.", "Nobody was handed: {}.")


def account_wide_keys_are_new(evidence: Evidence) -> Check:
    """The webhook signing key and the public validation key are others than before, and the requester has them."""
    sent = {handed.secret for handed in evidence.handed_over()}
    before, after = evidence.before["account"], evidence.after["account"]
    wrong = [
        told
        for name, told in _ACCOUNT_WIDE_NAMES.items()
        if after[name] == before[name] or str(after[name]) not in sent
    ]
    well = "The webhook signing key and the public validation key are new, and were handed over."
    return check("Account-wide keys", wrong, well, "The old one, or one that nobody was handed: {}.")


# --- Passwords ------------------------------------------------------------------------------------------


def passwords_were_handed_over(evidence: Evidence) -> Check:
    """Every SMTP password that is set now was sent under the name of its login, or set by hand since."""
    sent = {(handed.label, handed.secret) for handed in evidence.handed_over()}
    credentials = [c for domain in evidence.after["domains"] for c in domain["credentials"]]
    by_bot = [c for c in credentials if c["set_by"] != _PANEL]
    unknown = [str(c["login"]) for c in by_bot if (c["login"], c["password"]) not in sent]
    return check(
        "SMTP passwords",
        unknown,
        f"Each of the {len(credentials)} SMTP passwords is one that was handed over.",
        "Set by somebody else, or never handed over: {}.",
    )


# --- Mail ---------------------------------------------------------------------------------------------------


def nothing_is_queued(evidence: Evidence) -> Check:
    """No storage host keeps mail that somebody has queued for later."""
    left = [f"“{m['subject']}” of {m['domain']} on {m['host']}" for m in evidence.after["queued"] if not m["deleted"]]
    many = len(evidence.after["queued"])
    return check("Queued mail", left, f"All {many} messages that were queued are deleted.", "Still queued: {}.")


# --- People ---------------------------------------------------------------------------------------------


def people_reset_their_passwords(evidence: Evidence) -> Check:
    """Everyone who signs in with a Mailgun password has a newer one than before, save who was excused."""
    before = {user["id"]: user["password_updated_at"] for user in evidence.before["users"]}
    own = _who_must(evidence, PASSWORD)
    late = [_called(u) for u in own if u["password_updated_at"] in (None, before.get(u["id"]))]
    return check(
        "People's passwords", late, f"All {len(own)} of whom Mailgun shows it have a new password.", "Not yet: {}."
    )


def people_have_two_factor(evidence: Evidence) -> Check:
    """Everyone who signs in with a Mailgun password has two-factor authentication, save who was excused."""
    own = _who_must(evidence, TWO_FACTOR)
    without = [_called(user) for user in own if not user["tfa_active"]]
    return check(
        "Two-factor authentication", without, f"All {len(own)} of whom Mailgun shows it have it.", "Not yet: {}."
    )


def others_are_vouched_for(evidence: Evidence) -> Check:
    """Everyone whom Mailgun cannot show has a voucher with a name for each step."""
    others = [user for user in _users(evidence) if not _signs_in_at_mailgun(user)]
    vouched = {(part.user, part.what) for part in evidence.parts if part.status == "vouched" and part.by}
    missing = [
        f"{_called(who)} ({what})" for who in others for what in _ASKED_OF_PEOPLE if (who["id"], what) not in vouched
    ]
    return check(
        "Vouchers", missing, f"Somebody vouched, by name, for each of the {len(others)} others.", "Nobody did for: {}."
    )


def everyone_is_settled(evidence: Evidence) -> Check:
    """By the bot's own account nobody is left: each user did it, is vouched for, or was excused, by name and with a
    reason; whoever is no user any more is asked for nothing."""
    users = {user["id"]: user for user in _users(evidence)}
    stands = {(part.user, part.what): part for part in evidence.parts}
    left = [
        f"{_called(user)} ({what})"
        for user in users.values()
        for what in _ASKED_OF_PEOPLE
        if not _is_settled(stands.get((user["id"], what)))
    ]
    left += [
        f"{part.called} ({part.what}), no user any more"
        for part in evidence.parts
        if part.user not in users and part.status in ("open", "questioned")
    ]
    excused = sum(part.status == "excused" for part in evidence.parts)
    said = f" {excused} of what was asked was let go, with a reason." if excused else ""
    return check("Everyone", left, f"All {len(users)} users are settled.{said}", "Not settled: {}.")


def each_was_written_to_once(evidence: Evidence) -> Check:
    """Each Mailgun user has one message, which is redrawn; everything else is a reply under it."""
    sent = Counter(key for call in evidence.slack_log if (key := _checklist(call)))
    twice = [f"{key.rpartition(':')[2]} ({times} messages)" for key, times in sent.items() if times > 1]
    return check("One message", twice, f"Each of {len(sent)} Mailgun users got one message.", "More than one: {}.")


def _who_must(evidence: Evidence, what: str) -> list[JsonObject]:
    """Whom Mailgun must show to have done it."""
    excused = {part.user for part in evidence.parts if part.what == what and _is_excused(part)}
    return [u for u in _users(evidence) if _signs_in_at_mailgun(u) and u["id"] not in excused]


def _is_settled(part: Part | None) -> bool:
    if part is None:
        return False
    return part.status == "done" or (part.status == "vouched" and bool(part.by)) or _is_excused(part)


def _is_excused(part: Part) -> bool:
    return part.status == "excused" and bool(part.by) and bool(part.reason)


def _checklist(entry: JsonObject) -> str:
    """The key of the marker of a person's message, where an entry of Slack's log is one that was accepted."""
    if entry["kind"] != "call" or not entry["ok"] or entry["method"] != "chat.postMessage":
        return ""
    metadata = structured(entry["body"].get("metadata")) or {}
    return str(metadata["event_payload"]["key"]) if metadata.get("event_type") == _CHECKLIST else ""


def _called(user: JsonObject) -> str:
    return str(user["email"] or user["name"])


def account_is_enabled(evidence: Evidence) -> Check:
    """Mailgun lets the account work again."""
    disabled = bool(evidence.after["account"]["disabled"])
    words = "Mailgun still has the account disabled." if disabled else "Mailgun has enabled the account."
    return Check("Account", not disabled, words)


# --- Secrets --------------------------------------------------------------------------------------------


def secrets_were_sent_once(evidence: Evidence) -> Check:
    """No two messages that Slack took carry the same secret, nor one message twice."""
    sent = Counter(handed.secret for handed in evidence.handed_over())
    twice = [_labels(evidence.handed_over(), secret) for secret, times in sent.items() if times > 1]
    return check("Sent once", twice, f"Slack took each of the {len(sent)} secrets once.", "More than once: {}.")


def secrets_were_sent_in_private(evidence: Evidence) -> Check:
    """A secret stands in the preformatted text of a handover in a direct message, and nowhere else in Slack."""
    secrets = evidence.secrets()
    loose = []
    for entry in evidence.slack_log:
        for where, text in _said(entry):
            if any(secret in text for secret in secrets):
                loose.append(f"{where} in entry {entry['seq']}")
    loose += [f"{h.label} in {h.channel}" for h in evidence.handed_over() if not h.channel.startswith("D")]
    return check(
        "In private",
        loose,
        "No secret is in a channel, in a notification's text, in an edit, or in what Slack sends with a click.",
        "Found: {}.",
    )


def nothing_in_the_log(evidence: Evidence) -> Check:
    """The bot's log has no secret, at the level at which it was written."""
    return _kept_none("Log", "the bot's log", evidence.bot_log, evidence)


def nothing_in_the_database(evidence: Evidence) -> Check:
    """What the bot stores has no secret, save what is encrypted."""
    return _kept_none("Database", "the bot's database", evidence.database, evidence)


def _kept_none(name: str, where: str, kept: bytes, evidence: Evidence) -> Check:
    secrets = evidence.secrets() | set(evidence.tokens)
    found = [f"{count} times" for secret in secrets if (count := kept.count(secret.encode()))]
    words = f"None of {len(secrets)} secrets is in {where} ({len(kept):,} bytes)."
    return check(name, found, words, f"A secret is in {where}: {{}}.")


def _said(entry: JsonObject) -> list[tuple[str, str]]:
    """What an entry of Slack's log carries, piece by piece, without the one place where a secret belongs."""
    if entry["kind"] == "event":
        # What a person typed is their own; the bot has to cut it out, and other checks see to that.
        typed = entry["type"] == "slash_commands" or entry["payload"].get("type") == "view_submission"
        payload = [] if typed else [("what Slack sent", json.dumps(entry["payload"]))]
        return [*payload, ("the acknowledgement", json.dumps(entry["response"]))]
    belongs = "blocks" if handed_over(entry) else None
    return [(name, json.dumps(value)) for name, value in entry["body"].items() if name != belongs]


# --- Words ----------------------------------------------------------------------------------------------


def _present(state: JsonObject) -> list[JsonObject]:
    return [key for key in state["keys"] if not key["deleted"]]


def _users(evidence: Evidence) -> list[JsonObject]:
    return [user for user in evidence.after["users"] if not user["removed"] and not user["is_disabled"]]


def _signs_in_at_mailgun(user: JsonObject) -> bool:
    return bool(user["auth_method"] == "password" and user["migration_status"] != "done")


def _shape(key: JsonObject) -> KeyShape:
    description = _MARK.sub("", str(key["description"]))
    return (str(key["kind"]), str(key["role"]), key["domain_name"], description, key["subaccount_id"])


def _told(shape: KeyShape) -> str:
    kind, role, domain, description, subaccount = shape
    where = f"{f', {domain}' if domain else ''}{', of a subaccount' if subaccount else ''}"
    return f"“{description}” ({kind}, {role}{where})"


def _named(key: JsonObject) -> str:
    return _told(_shape(key))


def _labels(handed: Iterable[HandedOver], secret: str) -> str:
    return " and ".join(one.label for one in handed if one.secret == secret)
