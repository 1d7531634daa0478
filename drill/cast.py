"""The cast of the drill: beside those who are in the workspace and the account anyway, one person of each kind that
the bot meets when it asks everybody for something.

Whoever has nothing said of them here has a Mailgun password, lacks two-factor authentication, and is found in Slack by
their address as it is.
"""

import secrets
from dataclasses import dataclass, replace
from datetime import timedelta

from drill.mailgun.accounts import Prepared
from drill.mailgun.model import User as MailgunUser
from drill.mailgun.model import UserRole
from drill.mailgun.times import utc_now
from drill.slack.model import User as SlackUser
from drill.slack.workspace import Workspace

DOMAIN, OLD_DOMAIN = "example.com", "formerly.example"
"""The company's domain, and the one that it had before: what `EMAIL_DOMAINS` is for."""


@dataclass(frozen=True)
class Member:
    """Somebody in Slack, by their first name, their whole name and time zone."""

    first: str
    name: str
    tz: str
    is_bot: bool = False

    @property
    def email(self) -> str:
        """Their address in Slack."""
        return f"{self.first}@{DOMAIN}"


OWNER = "victor@example.com"
PLUS, OLD_ADDRESS, UPPER = "dana+mail@example.com", "mia@formerly.example", "LENA@EXAMPLE.COM"
FUNCTION, SERVICE = "webmaster@example.com", "deploy@example.com"
CONTRACTOR = "carl@contractor.example.net"
GONE, DEACTIVATED, ON_LEAVE = "ursula@example.com", "finn@example.com", "tess@example.com"
TWO_USERS = ("quinn@example.com", "quinn+staging@example.com")
NAMELESS = "Eva"
"""How Mailgun calls the user that has no address."""
JOINS_LATER = "nina@example.com"

MEMBERS = (
    Member("victor", "Victor Vance", "Europe/London"),
    Member("mia", "Mia Moreau", "Europe/Paris"),
    Member("lena", "Lena Larsen", "Europe/Oslo"),
    Member("kim", "Kim Kowalski", "Europe/Warsaw"),
    Member("eva", "Eva Ek", "Europe/Stockholm"),
    Member("quinn", "Quinn Quist", "America/Chicago"),
    Member("jonas", "Jonas Jensen", "Europe/Copenhagen"),
    Member("tom", "Tom Tanaka", "Asia/Tokyo"),
    Member("ravi", "Ravi Rao", "Asia/Kolkata"),
    Member("gita", "Gita Ghosh", "Asia/Kolkata"),
    Member("tess", "Tess Turner", "America/Denver"),
    Member("nina", "Nina Nowak", "Europe/Warsaw"),
    Member("deploy", "Deploy Bot", "Europe/London", is_bot=True),
)

USERS = (
    *(OLD_ADDRESS, UPPER),
    *(FUNCTION, SERVICE),
    *(GONE, DEACTIVATED, ON_LEAVE),
    *TWO_USERS,
    *(f"{name}@{DOMAIN}" for name in ("jonas", "tom", "ravi", "gita")),
)
"""The addresses of those who are users like any other."""


def everybody_joins(workspace: Workspace, prepared: Prepared) -> None:
    """Add the cast to the drill's workspace and to its Mailgun account, of which Victor is the owner from here on."""
    for member in MEMBERS:
        user = _in_slack(member, workspace.team_id)
        workspace.users[user.id] = user
    users = prepared.account.users
    for known in users:
        known.is_master = False
        if known.email == f"dana@{DOMAIN}":
            known.email = PLUS
    users += [_at_mailgun(OWNER, UserRole.ADMIN, is_master=True), *map(_at_mailgun, USERS)]
    users.append(replace(_at_mailgun(""), name=NAMELESS))


def _in_slack(member: Member, team_id: str) -> SlackUser:
    return SlackUser(
        f"U{member.first.upper()}",
        member.first,
        member.name,
        team_id,
        is_bot=member.is_bot,
        email=member.email,
        tz=member.tz,
    )


def _at_mailgun(email: str, role: UserRole = UserRole.DEVELOPER, *, is_master: bool = False) -> MailgunUser:
    return MailgunUser(
        id=secrets.token_hex(12),
        email=email,
        name=email.partition("@")[0].partition("+")[0].title(),
        role=role,
        is_master=is_master,
        password_updated_at=utc_now() - timedelta(days=120),
    )
