"""Passwords and keys: what Mailgun has is what was handed over, once, and nowhere else."""

import re
from collections import Counter
from collections.abc import Iterator

import requests

from drill.evidence import ACCOUNT_WIDE, stored
from drill.ordering import JsonObject
from recovery.errors import RecoveryError
from recovery.secret import Secret
from storage.clock import DatabaseClock
from storage.database import Database
from storage.encryption import load_encryption_keys
from storage.vault import DatabaseVault
from tests.crashes.findings import Aftermath, Finding, Harm, found
from tests.e2e.handed_over import last_for_each

_MARK = re.compile(r" ?\[mc-[0-9a-f-]{36}\]$")
_OWN = "Mailgun recovery bot"

Shape = tuple[str, str, str | None, str]
"""A key's kind, role, domain and description without its mark: what its replacement has in common with it."""


def passwords(after: Aftermath) -> list[Finding]:
    """Every SMTP login's password is the one in the last accepted message that names it."""
    handed, present = after.run.handed_passwords(), after.run.passwords()
    wrong = [login for login, password in present.items() if handed.get(login) != password]
    return found(Harm.LOST, (f"the password of {login} is not the one handed over last" for _, login in wrong))


def old_keys(after: Aftermath) -> list[Finding]:
    """Every key and session from before is gone."""
    present = {key["id"] for key in _present(after.after)}
    left = [key for key in _present(after.before) if key["id"] in present]
    return found(Harm.ORPHANED, (f"the old key {_told(key)} still works" for key in left))


def replacements(after: Aftermath) -> list[Finding]:
    """Each old key has exactly one replacement, which was handed over; beside them there is the bot's own."""
    old = Counter(_shape(key) for key in _present(after.before) if key["kind"] != "web")
    present = [key for key in _present(after.after) if key["kind"] != "web"]
    now = Counter(_shape(key) for key in present)
    own: Shape = ("user", "admin", None, _OWN)
    missing = [f"there is no replacement of {shape}" for shape in old - now]
    extra = now - old - Counter([own])
    surplus = [f"there are {many} too many of {shape}" for shape, many in extra.items()]
    last = set(last_for_each(after.sent).values())
    unknown = [key for key in present if _shape(key) != own and key["secret"] not in last]
    nobodys = [f"the key {_told(key)} is in no last message that names it" for key in unknown]
    locked = [] if now[own] else ["the bot has no key of its own at Mailgun"]
    return (
        found(Harm.LOST, [*missing, *nobodys])
        + found(Harm.ORPHANED, surplus)
        + found(Harm.LOCKED_OUT, locked)
        + _own_was_shown(after, [key for key in present if _shape(key) == own])
    )


def _own_was_shown(after: Aftermath, own: list[JsonObject]) -> list[Finding]:
    shown = [key for key in own if after.carrying(key["secret"])]
    return found(Harm.LOST, (f"the bot's own key {_told(key)} was sent to Slack" for key in shown))


def account_wide(after: Aftermath) -> list[Finding]:
    """The webhook signing key and the public validation key are others than before, each the one handed over last."""
    before, now = after.before["account"], after.after["account"]
    last = set(last_for_each(after.sent).values())
    old = [f"the {name} is the one from before" for name in ACCOUNT_WIDE if now[name] == before[name]]
    nobodys = [f"the {name} is not the one handed over last" for name in ACCOUNT_WIDE if now[name] not in last]
    return found(Harm.LOST, [*old, *nobodys])


def vault(after: Aftermath) -> list[Finding]:
    """The key in the vault opens, and Mailgun accepts it for what only an admin may."""
    run = after.run
    with Database.open(run.database_url) as database:
        sealing = load_encryption_keys(run.bot.environ.get("ENCRYPTION_KEY"), run.database_url)
        kept = DatabaseVault(database, sealing, Secret(run.mailgun.admin_key), DatabaseClock(database))
        try:
            key = kept.current().reveal()
        except RecoveryError as error:
            return [Finding(Harm.LOCKED_OUT, f"the vault does not open: {error}")]
    answer = requests.get(f"{run.mailgun.region_url('us')}/v1/keys", auth=("api", key), timeout=10)
    if answer.ok:
        return []
    return [Finding(Harm.LOCKED_OUT, f"Mailgun answers {answer.status_code} to the key in the vault")]


def sent_once(after: Aftermath) -> list[Finding]:
    """No secret was in two requests to Slack of which neither was certainly refused."""
    twice = [
        f"the secret of {_names(after, secret)} was in {len(sends)} messages that Slack may have taken"
        for secret in after.secrets
        if len(sends := [heard for heard in after.carrying(secret) if not heard.was_refused]) > 1
    ]
    return found(Harm.REPEATED, twice)


def what_counts(after: Aftermath) -> list[Finding]:
    """What works was in a handover that the bot stands by: not doubted, given up or replaced, and so wiped unsaved."""
    query = "SELECT message_ts FROM handovers WHERE status IN ('sent', 'saved', 'expired')"
    counts = {str(row[0]) for row in after.run.rows(query)}
    works = {*after.run.passwords().values(), *(str(after.after["account"][name]) for name in ACCOUNT_WIDE)}
    works |= {str(key["secret"]) for key in _present(after.after)}
    given_up = [sent for sent in after.sent if sent.secret in works and sent.ts not in counts]
    return found(Harm.LOST, (f"{sent.label} works, and was in a handover that was given up" for sent in given_up))


def kept_private(after: Aftermath) -> list[Finding]:
    """A secret stood in a handover and nowhere else: not in other messages, the log, the database or its WAL."""
    return found(Harm.LOST, [*_loose(after), *_still_readable(after), *_kept(after)])


def _loose(after: Aftermath) -> Iterator[str]:
    belongs = '"mailgun_recovery_handover"'
    for secret in after.secrets:
        for heard in after.carrying(secret):
            if heard.path != "chat.postMessage" or belongs not in heard.text:
                yield f"the secret of {_names(after, secret)} was in a {heard.path}"


def _still_readable(after: Aftermath) -> Iterator[str]:
    for message in after.shown:
        if any(secret in message.whole for secret in after.secrets):
            yield f"a secret stands in the {message.kind} {message.key} in {message.channel} still"


def _kept(after: Aftermath) -> Iterator[str]:
    run = after.run
    places = {"log": run.bot.log_path.read_bytes(), "database": stored(run.database_url)}
    for where, kept in places.items():
        for secret in after.secrets | after.tokens:
            if secret.encode() in kept:
                yield f"the secret of {_names(after, secret)} is in the {where}"


def _present(state: JsonObject) -> list[JsonObject]:
    return [key for key in state["keys"] if not key["deleted"]]


def _shape(key: JsonObject) -> Shape:
    return (str(key["kind"]), str(key["role"]), key["domain_name"], _MARK.sub("", str(key["description"])))


def _told(key: JsonObject) -> str:
    return f"“{key['description']}” ({key['id']})"


def _names(after: Aftermath, secret: str) -> str:
    """Whose secret that is, without the secret."""
    handed = {sent.label for sent in after.sent if sent.secret == secret}
    keys = {_told(key) for key in after.after["keys"] if key["secret"] == secret}
    return " and ".join(sorted(handed | keys)) or "something that was never handed over"
