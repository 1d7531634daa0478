"""The workspace of the drill: Example Inc, its people, and what is awkward about some of them."""

import secrets

from drill.slack.model import SLACKBOT, Channel, SlackApp, User, UserGroup
from drill.slack.workspace import Workspace

TEAM = "TEXAMPLE"
PARTNER_TEAM = "TPARTNER"
BOT = "UBOT"
INCIDENT, GENERAL, PARTNERS = "CINCIDENT", "CGENERAL", "CPARTNERS"

SCOPES = frozenset(
    {
        "channels:history",
        "channels:read",
        "chat:write",
        "commands",
        "files:write",
        "groups:history",
        "groups:read",
        "im:history",
        "im:read",
        "im:write",
        "usergroups:read",
        "users:read",
        "users:read.email",
    }
)


def drill_workspace() -> Workspace:
    """Example Inc, with fresh tokens.

    `#incident` has the app in it; `#general` has not; `#partners` is shared with another company. Olivia
    owns the workspace, Priya is an admin, Greta a guest, Rita works for the other company, Finn has left.
    The user group `@secops` (`SSECOPS`) is Priya and Sam.
    """
    people = [
        _member("UOLIVIA", "Olivia Owens", "Europe/London", is_owner=True, is_admin=True),
        _member("UPRIYA", "Priya Patel", "Asia/Kolkata", is_admin=True),
        _member("USAM", "Sam Silva", "America/Sao_Paulo"),
        _member("UCHEN", "Chen Wei", "Asia/Shanghai"),
        _member("UDANA", "Dana Diaz", "America/New_York"),
        _member("UNOAH", "Noah Novak", "Europe/Prague"),
        _member("UMAX", "Max Meyer", "Europe/Berlin"),
    ]
    guest = _member("UGRETA", "Greta Guest", "Europe/Vienna", is_restricted=True)
    left = _member("UFINN", "Finn Former", "Europe/Helsinki", deleted=True)
    stranger = User(
        "URITA",
        "rita",
        "Rita Rossi",
        PARTNER_TEAM,
        email="rita@partner.example",
        tz="Europe/Rome",
        is_stranger=True,
    )
    bot = User(BOT, "mailgun_recovery", "Mailgun Recovery", TEAM, is_bot=True)
    slackbot = User(SLACKBOT, "slackbot", "Slackbot", TEAM, is_bot=True)
    everyone = [person.id for person in people]
    channels = [
        Channel(INCIDENT, "incident", [*everyone, BOT]),
        Channel(GENERAL, "general", [*everyone, guest.id]),
        Channel(PARTNERS, "partners", [*everyone, guest.id, stranger.id, BOT], is_ext_shared=True),
    ]
    return Workspace(
        TEAM,
        "Example Inc",
        "example-inc",
        _app(),
        users={user.id: user for user in [*people, guest, left, stranger, bot, slackbot]},
        channels={channel.id: channel for channel in channels},
        usergroups={"SSECOPS": UserGroup("SSECOPS", "secops", "Security", ["UPRIYA", "USAM"])},
    )


def _app() -> SlackApp:
    return SlackApp(
        id="AMAILGUN",
        name="Mailgun Recovery",
        bot_id="BMAILGUN",
        bot_user_id=BOT,
        bot_token=f"xoxb-{_digits(12)}-{_digits(13)}-{secrets.token_hex(12)}",
        app_token=f"xapp-1-AMAILGUN-{_digits(13)}-{secrets.token_hex(32)}",
        signing_secret=secrets.token_hex(16),
        verification_token=secrets.token_hex(12),
        scopes=set(SCOPES),
        commands={"/mailgun-compromised"},
    )


def _member(
    user_id: str,
    real_name: str,
    tz: str,
    *,
    is_owner: bool = False,
    is_admin: bool = False,
    is_restricted: bool = False,
    deleted: bool = False,
) -> User:
    name = user_id.removeprefix("U").lower()
    return User(
        user_id,
        name,
        real_name,
        TEAM,
        email=f"{name}@example.com",
        tz=tz,
        is_owner=is_owner,
        is_admin=is_admin,
        is_restricted=is_restricted,
        deleted=deleted,
    )


def _digits(count: int) -> str:
    return "".join(secrets.choice("123456789") for _ in range(count))
