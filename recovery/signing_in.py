"""How people sign in to Mailgun, and where each way has its password and its second factor: the words of it.

Mailgun's own steps are shown to those alone who sign in with a Mailgun password: they would break a Sinch ID sign-in.
"""

from dataclasses import dataclass

from recovery.account import SignIn
from recovery.text import Bold, Line, Link, line

LOGIN_PAGE = "https://login.mailgun.com/login/"
USERS_PAGE = "https://app.mailgun.com/settings/users"


@dataclass(frozen=True)
class Elsewhere:
    """One way to sign in other than a Mailgun password: what it is called, and what is done there."""

    name: str
    password: tuple[Line, ...]
    second_factor: tuple[Line, ...]


_SINCH = Link("https://my.sinch.com", "Sinch ID")
_HEROKU = Link("https://dashboard.heroku.com/account", "Heroku account")
_RACKSPACE = Link("https://account.rackspace.com", "Rackspace account")

_WAYS = {
    SignIn.SINCH: Elsewhere(
        "Sinch ID",
        (
            line("1. Sign in at ", _SINCH, ", and choose ", Bold("Sign-in & Security"), "."),
            line("2. Choose ", Bold("Change password"), ", and follow the link in the mail that Sinch sends."),
        ),
        (
            line("1. Sign in at ", _SINCH, ", and choose ", Bold("Sign-in & Security"), "."),
            line(
                "2. Under ",
                Bold("Authentication Methods (MFA)"),
                ", set up an authenticator app or codes by SMS, and keep the recovery code in your password manager.",
            ),
        ),
    ),
    SignIn.SAML: Elsewhere(
        "your company's single sign-on",
        (line("Reset the password that you sign in to your company's applications with. Your IT can help."),),
        (line("Turn on the second factor of your company's sign-in. Your IT can help."),),
    ),
    SignIn.HEROKU: Elsewhere(
        "Heroku",
        (line("Open the settings of your ", _HEROKU, ", and change the password there."),),
        (line("Open the settings of your ", _HEROKU, ", and turn on multi-factor authentication there."),),
    ),
    SignIn.RACKSPACE: Elsewhere(
        "Rackspace",
        (line("Open the settings of your ", _RACKSPACE, ", and change the password there."),),
        (line("Open the settings of your ", _RACKSPACE, ", and turn on multi-factor authentication there."),),
    ),
}

_UNKNOWN_WAY = "Use the way you always do (a company login, Sinch ID, Google or another)"
_UNKNOWN = Elsewhere(
    "",
    (line(f"Mailgun does not show how you sign in. {_UNKNOWN_WAY} and reset your password there."),),
    (line(f"Mailgun does not show how you sign in. {_UNKNOWN_WAY} and turn on its second factor there."),),
)


def elsewhere(sign_in: str) -> Elsewhere:
    """What is said of a way to sign in that is not a Mailgun password; its name is empty where it is not known."""
    return _WAYS.get(SignIn(sign_in), _UNKNOWN)


def through(sign_in: str) -> list[Line]:
    """The first line to somebody who signs in elsewhere; none where Mailgun does not show where."""
    name = elsewhere(sign_in).name
    return [line(f"You sign in to Mailgun through {name}, so please do this there, not at Mailgun.")] if name else []


def sign_in_name(sign_in: str) -> str | None:
    """What somebody signs in with or through, in words; None where Mailgun does not show it."""
    return "a Mailgun password" if sign_in == SignIn.PASSWORD else elsewhere(sign_in).name or None
