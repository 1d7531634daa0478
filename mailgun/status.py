"""Mailgun's status page (Statuspage's `summary.json`) in one sentence."""

from mailgun.models import Fields

_MOST_NAMED = 5


def read_outage(answer: object) -> str | None:
    """What a status page reports, or None where all is well."""
    summary = Fields(answer, "the status page")
    status = summary.part("status")
    incidents = [item.text("name") for item in summary.items("incidents") if _is_open(item)]
    if (status.optional_text("indicator") or "none") == "none" and not incidents:
        return None
    troubled = [
        f"{item.text('name')} ({state.replace('_', ' ')})"
        for item in summary.items("components")
        # A group only repeats what its members say.
        if not item.flag("group") and (state := item.optional_text("status") or "operational") != "operational"
    ]
    told = f"Mailgun's status page says: {status.optional_text('description') or 'trouble'}."
    if troubled:
        told += f" Affected: {_listed(troubled)}."
    if incidents:
        told += f" Open: {_listed(incidents)}."
    return told


def _is_open(incident: Fields) -> bool:
    return incident.optional_text("status") not in ("resolved", "postmortem")


def _listed(names: list[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
