"""How much was sent: `/v1/analytics/metrics`, as far as days and domains go.

Of Mailgun's dimensions there are `time`, alone or with `domain`; of its metrics, those that an attacker's
sending shows in. What else the description knows is refused in words, so that nobody believes it was heeded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from drill.mailgun.access import Power
from drill.mailgun.answers import bad_request
from drill.mailgun.calls import Call, Endpoint
from drill.mailgun.model import Domain
from drill.mailgun.times import metric_time, read_metric_time
from drill.orders import Order, OrderError

_DEFAULT_SPAN = timedelta(days=7)
_METRICS = ("accepted_outgoing_count",)
_SORTS = {"time:asc": False, "time:desc": True, "domain:asc": False, "domain:desc": True}

# https://documentation.mailgun.com/docs/inboxready/api-reference/optimize/mailgun/metrics/pagination; the
# description has `pagination` in the answer only.
_TIME_PAGE, _LARGEST_TIME_PAGE = 1500, 1500
_OTHER_PAGE, _LARGEST_OTHER_PAGE = 10, 1000


@dataclass(frozen=True)
class Query:
    """What somebody asked for, with what Mailgun takes where it was left out."""

    start: datetime
    end: datetime
    dimensions: tuple[str, ...]
    include_subaccounts: bool
    sort: str
    skip: int
    limit: int

    def days(self) -> list[date]:
        """Every day (UTC) that the query touches, first to last."""
        first, last = self.start.date(), self.end.date()
        return [first + timedelta(days=number) for number in range((last - first).days + 1)]


@dataclass(frozen=True)
class Row:
    """One line of the answer: a day's count, of one domain or of all (`domain` is '' then)."""

    day: date
    domain: str
    count: int


def _query_metrics(call: Call) -> dict[str, object]:
    """POST /v1/analytics/metrics: of this region's domains. A region knows nothing of the other's."""
    query = read_query(call.form.json(), call.at)
    counts = call.account.sent_by_day
    rows = _rows(query, {domain.name: counts.get(domain.name, {}) for domain in _domains(call, query)})
    page = rows[query.skip : query.skip + query.limit]
    return {
        "start": metric_time(query.start),
        "end": metric_time(query.end),
        "resolution": "day",
        "dimensions": list(query.dimensions),
        "pagination": {"sort": query.sort, "skip": query.skip, "limit": query.limit, "total": len(rows)},
        "items": [_shape(row, query.dimensions) for row in page],
    }


def read_query(document: dict[str, object], now: datetime) -> Query:
    """The query in a JSON body.

    Raises:
        Refusal: 400 for what is unknown, missing or of another type, and for what this server does not have.
    """
    body = Order(document, "the body")
    try:
        end = _time(body.optional_text("end"), "end") or now
        start = _time(body.optional_text("start"), "start") or end - _DEFAULT_SPAN
        resolution = body.optional_text("resolution")
        dimensions, metrics = body.optional_texts("dimensions"), body.optional_texts("metrics")
        include_subaccounts = body.flag("include_subaccounts")
        sort, skip, limit = _read_pagination(body.part("pagination"), dimensions or [])
        body.finish()
    except OrderError as error:
        raise bad_request(str(error)) from error
    if resolution not in (None, "day"):
        raise bad_request("the 'resolution' must be 'day' here")
    if dimensions is None or sorted(dimensions) not in (["time"], ["domain", "time"]):
        raise bad_request("the 'dimensions' must be ['time'] or ['domain', 'time'] here")
    if not metrics or any(metric not in _METRICS for metric in metrics):
        raise bad_request(f"the 'metrics' must be some of {list(_METRICS)} here")
    if start > end:
        raise bad_request("the 'start' must not be after the 'end'")
    return Query(start, end, tuple(dimensions), include_subaccounts, sort, skip, limit)


def _read_pagination(pagination: Order, dimensions: list[str]) -> tuple[str, int, int]:
    """How to sort, how many lines to skip, and how many to answer; how many may be depends on the dimensions."""
    by_time = dimensions == ["time"]
    default, most = (_TIME_PAGE, _LARGEST_TIME_PAGE) if by_time else (_OTHER_PAGE, _LARGEST_OTHER_PAGE)
    sort, skip = pagination.optional_text("sort") or "time:asc", pagination.whole("skip", 0)
    limit = pagination.whole("limit", default, at_least=1)
    pagination.finish()
    if sort not in _SORTS or (sort.startswith("domain") and "domain" not in dimensions):
        raise OrderError("the 'sort' must be one of the dimensions and ':asc' or ':desc'")
    if limit > most:
        raise OrderError(f"the 'limit' can't be larger than {most}")
    return sort, skip, limit


def _time(text: str | None, field: str) -> datetime | None:
    if text is None:
        return None
    try:
        return read_metric_time(text)
    except (ValueError, OverflowError) as error:
        raise bad_request(f"the '{field}' must be a time in RFC 2822") from error


def _domains(call: Call, query: Query) -> list[Domain]:
    domains = call.estate.in_region(call.region)
    if query.include_subaccounts and call.estate is call.account.estate:
        for subaccount in call.account.subaccounts:
            domains += subaccount.estate.in_region(call.region)
    return domains


def _rows(query: Query, counts: Mapping[str, Mapping[date, int]]) -> list[Row]:
    """The lines of the answer, in its order.

    Without domains each day has a line, with 0 where nothing was sent. With them, a domain has a line for each
    day on which it sent. Which of the two Mailgun does where is not described, so nobody should rely on it.
    """
    if "domain" in query.dimensions:
        rows = [
            Row(day, name, by_day[day])
            for day in query.days()
            for name, by_day in sorted(counts.items())
            if day in by_day
        ]
    else:
        rows = [Row(day, "", sum(by_day.get(day, 0) for by_day in counts.values())) for day in query.days()]
    by_domain = query.sort.startswith("domain")
    rows.sort(key=lambda row: row.domain if by_domain else row.day.isoformat(), reverse=_SORTS[query.sort])
    return rows


def _shape(row: Row, dimensions: tuple[str, ...]) -> dict[str, object]:
    values = {"domain": row.domain, "time": metric_time(datetime.combine(row.day, time(), UTC))}
    return {
        "dimensions": [
            {"dimension": dimension, "value": values[dimension], "display_value": values[dimension]}
            for dimension in dimensions
        ],
        "metrics": {"accepted_outgoing_count": row.count},
    }


ENDPOINTS = (Endpoint("POST", "/v1/analytics/metrics", Power.READ, _query_metrics),)
