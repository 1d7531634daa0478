"""The people of one Mailgun account in the month: when it is, where they are, and what may happen to each of them."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from recovery.account import AccountUser, SignIn
from tests.recovery.builders import DAY, HOUR, a_user

ZONES = (
    "Africa/Johannesburg",
    "Africa/Lagos",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "America/Mexico_City",
    "America/New_York",
    "America/Phoenix",
    "America/Santiago",
    "America/Sao_Paulo",
    "America/St_Johns",
    "America/Toronto",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Asia/Seoul",
    "Asia/Tokyo",
    "Australia/Brisbane",
    "Australia/Lord_Howe",
    "Australia/Sydney",
    "Europe/Athens",
    "Europe/Berlin",
    "Europe/Helsinki",
    "Europe/Lisbon",
    "Europe/London",
    "Europe/Madrid",
    "Europe/Paris",
    "Europe/Rome",
    "Europe/Warsaw",
    "Pacific/Auckland",
    "Pacific/Chatham",
)
"""Their clocks go forward, back, by half an hour or never in the month; some are a quarter of an hour off."""

BEGIN = datetime(2027, 3, 11, 16, 0, tzinfo=UTC)
"""A Thursday. America's clocks go forward on the 14th and Europe's on the 28th; Australia's go back on April 4th."""
ASKED = BEGIN + HOUR
"""Steps 3 and 4 are approved."""
PASSWORDS_BY = BEGIN + 9 * DAY
"""By then everyone has a new password, or a recorded reason: the last step can open."""
SUPPORT_TOLD = BEGIN + 10 * DAY
END = BEGIN + 30 * DAY
"""By then nobody has anything left to do."""

LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)
A_MOMENT = timedelta(minutes=10)


class What(StrEnum):
    """What somebody does, or what happens to them."""

    # At Mailgun
    JOINS = "joins the account"
    RESETS = "resets the password"
    TURNS_ON = "turns 2FA on"
    TURNS_OFF = "turns 2FA off"
    IS_REMOVED = "is removed"
    IS_DISABLED = "is disabled"
    IS_ENABLED = "is enabled"
    # In Slack
    IS_DEACTIVATED = "is deactivated in Slack"
    TRAVELS = "travels"
    # To the bot
    CHECKS = "presses Check now"
    PUTS_OFF = "presses Remind me later"
    SAYS_DONE = "says that it is done"
    ANSWERS = "answers whether that was them"
    CANNOT = "says that they cannot"
    # An approver, of them
    IS_IDENTIFIED = "is identified"
    IS_TOLD_BY_HAND = "is told by hand"
    IS_SAID_TO_HAVE_LEFT = "is said to have left"
    IS_CONFIRMED = "is confirmed"
    IS_STOPPED = "is not reminded any longer"
    IS_URGED = "is to be reminded now"
    # What came of it, as the month finds it in the bot's answers and messages
    IS_TOLD = "gets the first message"
    IS_PUT_OFF = "was promised not to be reminded before then"
    IS_DUE_AGAIN = "was put off until now"


@dataclass(frozen=True, order=True)
class Deed:
    """Something that somebody does or that happens to them. `value` is what there is to say beside that."""

    at: datetime
    what: What
    value: str = ""


@dataclass
class Actor:
    """One user of the account. `plan` is what will happen to them, `log` what did, at the moment at which it did.

    `known_as` is the address that Slack has for them, None where it has none. `has_done` says that the user joins with
    a password and 2FA of the last hour, which may be the attacker's.
    """

    name: str
    zone: str
    slack_id: str
    email: str
    known_as: str | None
    sign_in: SignIn = SignIn.PASSWORD
    is_master: bool = False
    is_bot: bool = False
    is_closed: bool = False
    has_two_factor: bool = False
    has_done: bool = False
    plan: list[Deed] = field(default_factory=list)
    log: list[Deed] = field(default_factory=list)

    @property
    def mailgun_id(self) -> str:
        return f"mailgun-{self.name}"

    @property
    def called(self) -> str:
        return self.email or self.mailgun_id

    @property
    def joins(self) -> bool:
        """Whether they are no user of the account yet when the month begins."""
        return any(deed.what is What.JOINS for deed in self.plan)

    def will(self, what: What, at: datetime, value: str = "") -> datetime:
        """Plan it; when that will be."""
        self.plan.append(Deed(at, what, value))
        return at

    def user(self, at: datetime) -> AccountUser:
        """How Mailgun lists them at first."""
        recently = at - HOUR if self.has_done else None
        return a_user(
            self.name,
            email=self.email,
            sign_in=self.sign_in,
            is_master=self.is_master,
            tfa_active=self.has_two_factor or self.has_done,
            tfa_created_at=LONG_AGO if self.has_two_factor else recently,
            password_updated_at=recently or LONG_AGO,
        )
