"""The calls about where mail and events go, and who may call: routes, webhooks, the allowlist, alerts, subaccounts."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from email.utils import format_datetime

from mailgun import models, outlets
from mailgun.asking import Asker, part
from recovery.account import AllowedAddress, DaySent, Route, SendAlert, Subaccount, Webhook
from recovery.errors import NotFound

ROUTES_PAGE = SUBACCOUNTS_PAGE = METRICS_PAGE = 1000
"""The most that Mailgun gives at once of each."""


class OutletCalls(Asker):
    """Those of `recovery.ports.Mailgun` that find, remove and restore what an attacker may have left."""

    # --- Routes

    def routes(self, region: str) -> list[Route]:
        """Every route of a region. `GET /v3/routes`, pages of 1000."""
        call = self.call(region, "GET", "/v3/routes", f"list the routes in region {region}")
        return self.every_page(call, ROUTES_PAGE, outlets.routes_of(region), lambda route: route.id)

    def delete_route(self, region: str, route_id: str) -> None:
        """`DELETE /v3/routes/{id}`. Raises `NotFound` on 404."""
        path = f"/v3/routes/{part(route_id)}"
        self.ask(self.call(region, "DELETE", path, f"delete the route {route_id}"), models.read_done)

    def create_route(self, route: Route) -> Route:
        """A route like that one, with an id of its own. `POST /v3/routes`."""
        call = self.call(route.region, "POST", "/v3/routes", "create a route")
        fields = [("priority", str(route.priority)), ("description", route.description)]
        fields += [("expression", route.expression), *(("action", action) for action in route.actions)]
        return self.ask(replace(call, urlencoded=fields), outlets.read_new_route(route.region))

    # --- Webhooks

    def webhooks(self, region: str, domain: str) -> list[Webhook]:
        """Every address that a domain's events are posted to. `GET /v3/domains/{domain}/webhooks`, without pages."""
        path = f"/v3/domains/{part(domain)}/webhooks"
        call = self.call(region, "GET", path, f"list the webhooks of {domain}")
        return self.ask(call, outlets.webhooks_of(region, domain))

    def delete_webhook(self, webhook: Webhook) -> None:
        """That address gets none of the domain's events any more. `DELETE /v4/domains/{domain}/webhooks`."""
        path, what = f"/v4/domains/{part(webhook.domain)}/webhooks", f"delete a webhook of {webhook.domain}"
        call = self.call(webhook.region, "DELETE", path, what, query={"url": webhook.url})
        self.ask(call, models.read_done)

    def create_webhook(self, webhook: Webhook) -> None:
        """That address gets those events again. `POST /v4/domains/{domain}/webhooks`."""
        path, what = f"/v4/domains/{part(webhook.domain)}/webhooks", f"create a webhook of {webhook.domain}"
        fields = [("url", webhook.url), *(("event_types", event) for event in webhook.events)]
        call = replace(self.call(webhook.region, "POST", path, what), urlencoded=fields)
        self.ask(call, models.read_done)

    # --- The copies of delivered mail

    def archive_to(self, region: str, domain: str, url: str) -> None:
        """Where a copy of each delivered message goes from now on; nowhere where `url` is empty.
        `PUT /v4/domains/{name}`."""
        what = f"change where copies of the mail of {domain} go"
        call = self.call(region, "PUT", f"/v4/domains/{part(domain)}", what, form={"archive_to": url})
        self.ask(call, models.read_done)

    # --- Who may call

    def allowlist(self) -> list[AllowedAddress]:
        """The addresses from which the account may be called; empty where it may be from everywhere.
        `GET /v2/ip_whitelist`."""
        call = self.account_call("GET", "/v2/ip_whitelist", "list the IP allowlist")
        return self.ask(call, outlets.read_allowlist)

    def disallow(self, address: str) -> None:
        """`DELETE /v2/ip_whitelist`."""
        what = f"take {address} off the IP allowlist"
        self.ask(self.account_call("DELETE", "/v2/ip_whitelist", what, query={"address": address}), models.read_done)

    def allow(self, entry: AllowedAddress) -> None:
        """`POST /v2/ip_whitelist`."""
        what = f"put {entry.address} on the IP allowlist"
        form = {"address": entry.address, "description": entry.description}
        self.ask(self.account_call("POST", "/v2/ip_whitelist", what, form=form), models.read_done)

    def alerts(self) -> list[SendAlert]:
        """Whom Mailgun warns when sending becomes unusual. `GET /v1/thresholds/alerts/send`, without pages."""
        call = self.account_call("GET", "/v1/thresholds/alerts/send", "list the sending alerts")
        return self.ask(call, outlets.read_alerts)

    # --- What is queued

    def delete_queued(self, region: str, domain: str) -> None:
        """Delete all scheduled and undelivered mail of a domain, wanted mail too: on each storage host of the region,
        for each has a queue of its own. `DELETE /v3/{domain}/envelopes`. Harmless to repeat. Raises `NotFound` where
        none of them knows the domain."""
        path, what = f"/v3/{part(domain)}/envelopes", f"delete the queued mail of {domain}"
        call = self.call(region, "DELETE", path, what)
        hosts, missing = self._storage_urls.get(region, ()), []
        for host in hosts:
            try:
                self.ask(replace(call, base=host.rstrip("/")), models.read_done)
            except NotFound as error:
                # A host may know none but the domains whose mail it keeps: the next one may keep this one's.
                missing.append(error)
        if missing and len(missing) == len(hosts):
            raise missing[0]

    # --- The whole account

    def subaccounts(self) -> list[Subaccount]:
        """Every subaccount. `GET /v5/accounts/subaccounts`, pages of 1000."""
        call = self.account_call("GET", "/v5/accounts/subaccounts", "list the subaccounts")
        return self.every_page(call, SUBACCOUNTS_PAGE, outlets.read_subaccounts, lambda one: one.id)

    def sent(self, first: date, last: date) -> list[DaySent]:
        """How much each domain sent on each of these days (UTC), subaccounts' domains too.
        `POST /v1/analytics/metrics`, pages of 1000, of each region."""
        return [day for region in self.regions for day in self._sent_in(region, first, last)]

    def _sent_in(self, region: str, first: date, last: date) -> Sequence[DaySent]:
        asked = {
            "start": _mail_time(first),
            "end": _mail_time(last + timedelta(days=1)),
            "resolution": "day",
            "dimensions": ["domain", "time"],
            "metrics": [outlets.SENT],
            "include_subaccounts": True,
        }
        found: list[DaySent] = []
        while True:
            pagination = {"skip": len(found), "limit": METRICS_PAGE}
            call = self.call(region, "POST", "/v1/analytics/metrics", f"count what was sent in region {region}")
            page = self.ask(replace(call, body={**asked, "pagination": pagination}), outlets.read_sent)
            found += page.items
            is_full = len(page.items) >= METRICS_PAGE
            if not page.items or not (is_full or (page.total or 0) > len(found)):
                return [day for day in found if first <= day.day <= last]


def _mail_time(day: date) -> str:
    return format_datetime(datetime.combine(day, time(0), UTC))
