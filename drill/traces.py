"""What became of what the attacker left, by Mailgun's own account; and whether the bot found that and nothing else."""

from collections.abc import Iterator

from drill.checks import Check, check
from drill.evidence import Evidence
from drill.mailgun.places import Region
from drill.mailgun.visitors import Visit
from drill.ordering import JsonObject

_ASKED_ALWAYS = "user"
"""Of users whom nobody in Slack knows, and of those who came since, somebody is asked, whoever they are."""


def what_became_of_the_visit(evidence: Evidence) -> list[Check]:
    """The checks about it, where somebody was there."""
    if evidence.visit is None:
        return []
    return [
        all_was_found(evidence, evidence.visit),
        all_is_gone(evidence, evidence.visit),
        the_rest_was_left_alone(evidence, evidence.visit),
        all_is_decided(evidence),
    ]


def all_was_found(evidence: Evidence, visit: Visit) -> Check:
    """Each trace of the attacker is a finding; beside them only what somebody is always asked of: the company's own
    address on the short allowlist, and users."""
    left, found = set(_traces(visit)), {(one.trace, one.subject) for one in evidence.findings}
    own = {("address", address) for address in visit.own.allowed_addresses}
    missing = [f"not found: {trace} {subject}" for trace, subject in sorted(left - found)]
    beside = [f"{t} {s}" for t, s in sorted(found - left - own) if t != _ASKED_ALWAYS]
    return check(
        "Findings",
        missing + [f"found without reason: {one}" for one in beside],
        f"All {len(left)} traces of the attacker were found, and nothing else.",
        "Wrong: {}.",
    )


def all_is_gone(evidence: Evidence, visit: Visit) -> Check:
    """Nothing that was made with the attacker's key is left, nor the key."""
    made = [one for one in _everything(evidence.after) if one.get("created_by") == visit.left.key_id]
    key = [one for one in evidence.after["keys"] if one["id"] == visit.left.key_id]
    left = [_called(one) for one in (*made, *key) if not one["deleted"]]
    return check("Traces", left, f"All {len(made)} things made with the attacker's key are gone.", "Still there: {}.")


def the_rest_was_left_alone(evidence: Evidence, visit: Visit) -> Check:
    """Routes, webhooks and addresses of the company's own are there as before."""
    before = [one for one in _everything(evidence.before) if one.get("created_by") is None and not one["deleted"]]
    after = {_called(one) for one in _everything(evidence.after) if not one["deleted"]}
    gone = [_called(one) for one in before if _called(one) not in after]
    return check("Left alone", gone, f"All {len(before)} things of the company's own are still there.", "Gone: {}.")


def all_is_decided(evidence: Evidence) -> Check:
    """Nothing that was found is left open."""
    undecided = [f"{one.trace} {one.subject} ({one.status})" for one in evidence.findings if one.status in _UNDECIDED]
    return check("Decisions", undecided, f"All {len(evidence.findings)} findings are decided.", "Undecided: {}.")


_UNDECIDED = ("open", "removing", "restoring")


def _traces(visit: Visit) -> Iterator[tuple[str, str]]:
    left = visit.left
    yield "key", left.key_id
    yield "route", f"{left.route_region}/{left.route_id}"
    yield "webhook", f"{Region.EU}/{left.webhook_domain}/{left.webhook_url}"
    yield "archive", f"{Region.US}/{left.archive_domain}/{left.archive_to}"
    yield "address", left.allowed_address
    yield "sending", left.flooded_domain


def _everything(state: JsonObject) -> Iterator[JsonObject]:
    """What an attacker makes, save keys."""
    for kind in ("routes", "webhooks", "allowlist", "queued"):
        yield from state[kind]
    for domain in state["domains"]:
        yield from domain["archives"]


def _called(one: JsonObject) -> str:
    names = ("expression", "domain", "event", "url", "address", "subject", "recipient", "id")
    return ", ".join(
        str(one[name]) for name in names if (name in one and name != "id") or (name == "id" and "kind" in one)
    )
