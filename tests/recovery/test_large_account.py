"""An account with 300 domains and 5,000 SMTP logins, over real HTTP, of which Mailgun gives at most 100 at once."""

from collections import Counter
from collections.abc import Iterator

import pytest

from drill.mailgun.accounts import Prepared, scaled_account
from drill.mailgun.model import Credential
from mailgun.client import MailgunClient
from mailgun.transport import Transport
from recovery.secret import Secret
from recovery.state import StepStatus
from tests.drill.mailgun_client import Mailgun, running
from tests.recovery.world import World

DOMAINS, LOGINS, PAGE = 300, 5_000, 100
EACH, MORE = 10, (1_720, 90, 190)
"""Most domains have ten logins. Three have many pages of them, exactly one, and exactly two."""


@pytest.fixture(scope="module")
def practice() -> Iterator[Mailgun]:
    prepared = large_account()
    with running(prepared) as server:
        yield server


def large_account() -> Prepared:
    prepared = scaled_account(DOMAINS, EACH, users=1)
    prepared.account.largest_page = PAGE
    for domain, more in zip(prepared.account.estate.domains, MORE, strict=False):
        made, names = domain.created_at, [f"more{number:04}" for number in range(more)]
        domain.credentials += [Credential(domain.full_login(name), f"old-{name}", made, made) for name in names]
    return prepared


class OneKey:
    """The account's own key, whatever becomes of it."""

    def __init__(self, secret: str) -> None:
        self._secret = Secret(secret)

    def known(self) -> Secret:
        return self._secret

    def refresh(self) -> None:
        """There is no other."""


@pytest.fixture
def client(practice: Mailgun, monkeypatch: pytest.MonkeyPatch) -> Iterator[MailgunClient]:
    monkeypatch.setenv("NO_PROXY", "*")
    transport = Transport(timeout=10, concurrency=4)
    regions = {region: f"{practice.url}/{region}" for region in ("us", "eu")}
    yield MailgunClient(regions, OneKey(practice.admin_key), transport)
    transport.close()


def test_every_domain_and_every_login_is_listed_once(client: MailgunClient) -> None:
    domains = [domain for region in client.regions for domain in client.domains(region)]
    logins = [login.subject for domain in domains for login in client.logins(domain.region, domain.name)]

    assert len(domains) == len({domain.subject for domain in domains}) == DOMAINS
    assert len(logins) == len(set(logins)) == LOGINS


def test_step_2_sets_each_exactly_once_and_hands_over_what_works(
    world: World, client: MailgunClient, practice: Mailgun
) -> None:
    world.mailgun = client  # type: ignore[assignment]  # the real client in the place of the one in memory
    world.start()
    world.opened()
    assert world.state("2").facts["logins"] == LOGINS
    world.approved("2")

    assert world.status("2") is StepStatus.DONE
    puts = Counter((call["region"], call["path"]) for call in practice.log() if call["method"] == "PUT")
    assert len(puts) == LOGINS and set(puts.values()) == {1}
    works = {c.login: c.password for domain in practice.account.estate.domains for c in domain.credentials}
    handed = {
        name.partition(": ")[2]: secret for posted in world.slack.handovers for name, secret in posted.secrets.items()
    }
    assert handed == works
