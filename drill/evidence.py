"""What the verdict is spoken over: what Mailgun says, what was said in Slack, what the bot kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from drill.calls import HandedOver, handed_over
from drill.company import Company
from drill.mailgun.visitors import Visit
from drill.ordering import JsonObject

ACCOUNT_WIDE = ("http_signing_key", "public_key")
"""What Mailgun's state calls the secrets that belong to the account as a whole."""


@dataclass(frozen=True)
class Part:
    """What the bot's database says of one thing that a Mailgun user was asked for: `what` is the kind of its step.

    `status` is how it ended; `by` and `reason` are who said so and why, where somebody did.
    """

    user: str
    called: str
    what: str
    status: str
    by: str | None
    reason: str | None


@dataclass(frozen=True)
class Found:
    """What the bot's database says of one finding: what kind of thing, which one, and what became of it."""

    trace: str
    subject: str
    status: str
    by: str | None


@dataclass(frozen=True)
class Evidence:
    """Everything that the verdict looks at. `before` and `after` are Mailgun's whole state."""

    before: JsonObject
    after: JsonObject
    slack_log: Sequence[JsonObject]
    parts: Sequence[Part]
    """What became of all that was asked of people."""
    bot_log: bytes
    database: bytes
    tokens: Sequence[str]
    """The bot's own credentials in Slack."""
    findings: Sequence[Found] = ()
    visit: Visit | None = None
    """What the attacker left, and what the company had there; None where nobody was there."""

    def handed_over(self) -> list[HandedOver]:
        """Every secret that was sent in an accepted message, by the form of a handover."""
        return [found for call in self.slack_log for found in handed_over(call)]

    def secrets(self) -> set[str]:
        """Every password and key that there is or was, as far as Mailgun and Slack know."""
        known = {handed.secret for handed in self.handed_over()}
        for state in (self.before, self.after):
            known |= {str(key["secret"]) for key in state["keys"]}
            known |= {str(c["password"]) for domain in state["domains"] for c in domain["credentials"]}
            known |= {str(state["account"][name]) for name in ACCOUNT_WIDE}
        return known


def collect(
    company: Company, before: JsonObject, log_path: Path, database_url: str, database: bytes, visit: Visit | None
) -> Evidence:
    """The evidence as it is now. `database` is what `stored` gave, also while the bot ran."""
    slack = company.slack
    return Evidence(
        before=before,
        after=company.mailgun.state(),
        slack_log=slack.log(),
        parts=parts(database_url),
        bot_log=log_path.read_bytes(),
        database=database,
        tokens=(slack.workspace.app.bot_token, slack.workspace.app.app_token),
        findings=findings(database_url),
        visit=visit,
    )


def parts(database_url: str) -> list[Part]:
    """What became of all that was asked of people in the bot's newest incident, read from its own database."""
    rows = (
        "SELECT people.mailgun_id, people.email, obligations.kind, obligations.status, obligations.settled_by,"
        " obligations.reason FROM obligations JOIN people ON people.id = obligations.person_id"
        " WHERE obligations.incident_id = (SELECT max(id) FROM incidents)"
    )
    return [Part(*row) for row in _rows(database_url, rows)]


def findings(database_url: str) -> list[Found]:
    """What was found in the newest incident, and what became of it."""
    rows = (
        "SELECT trace, subject, status, decided_by FROM findings"
        " WHERE incident_id = (SELECT max(id) FROM incidents) ORDER BY number"
    )
    return [Found(*row) for row in _rows(database_url, rows)]


def _rows(database_url: str, query: str) -> list[tuple[str, ...]]:
    engine = sa.create_engine(_driver(database_url))
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.execute(sa.text(query))]
    engine.dispose()
    return found


def stored(database_url: str) -> bytes:
    """All that the database holds: the bytes of SQLite's files, or every row of PostgreSQL's tables."""
    url = sa.make_url(_driver(database_url))
    if url.get_backend_name() == "sqlite":
        file = Path(str(url.database))
        return b"".join(part.read_bytes() for part in sorted(file.parent.glob(f"{file.name}*")) if _is_data(part))
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        tables = connection.scalars(sa.text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
        rows = [repr(tuple(row)) for table in tables for row in connection.execute(sa.text(f'SELECT * FROM "{table}"'))]
    return "\n".join(rows).encode()


def _driver(database_url: str) -> str:
    scheme, _, rest = database_url.partition("://")
    return f"postgresql+psycopg://{rest}" if scheme.startswith("postgres") else database_url


def _is_data(part: Path) -> bool:
    # Beside the data there may be the file of the vault's key, which has to hold it, and an empty lock.
    return part.suffix not in (".key", ".lock")
