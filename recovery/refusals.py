"""What it means that Mailgun refuses the bot's key, and what helps: in words, for people."""

from recovery.errors import Why
from recovery.text import Bold, Code, Line, Link, line

REFUSED = "refused"
"""In a task's payload: why Mailgun refused the bot's key when the task was last tried (a `Why`)."""

KEYS_PAGE = "https://app.mailgun.com/settings/api_security"
ALLOWLIST_PAGE = "https://app.mailgun.com/settings/ip-access-management"
GIVE_KEY_LABEL = "Give the bot a new key"

MEANS = {
    Why.REVOKED: "The key is wrong, deleted or expired, or the IP allowlist lacks the bot's address: Mailgun answers "
    "both alike. It may answer so for a disabled account, too.",
    Why.NO_RIGHTS: "The key works, but it is no admin key, or the account is disabled.",
    Why.DISABLED: "The account is disabled.",
    Why.ADDRESS: "The IP allowlist lacks the address that the bot calls from.",
}
"""What each reason means."""

_FRESH = line(
    "Make a key with the role admin at ",
    Link(KEYS_PAGE, "API Security"),
    ", for the bot alone. Then press ",
    Bold(GIVE_KEY_LABEL),
    " here, or type it after ",
    Code("python bot.py key"),
    " where the bot runs. Never paste it into a message.",
)


def helps(why: Why) -> list[Line]:
    """What to do about it, first what is likelier."""
    allowlist = line("See whether ", Link(ALLOWLIST_PAGE, "the IP allowlist"), " has the bot's address: ")
    match why:
        case Why.REVOKED:
            return [_FRESH, (*allowlist, "an attacker may have put entries there to keep everybody else out.")]
        case Why.NO_RIGHTS:
            return [_FRESH, line("If the account is disabled, no key helps until Mailgun Support has enabled it.")]
        case Why.DISABLED:
            return [
                line("A new key may not help until Mailgun Support has enabled the account: go on by hand meanwhile."),
                _FRESH,
            ]
        case Why.ADDRESS:
            return [(*allowlist, "add it, and remove what none of you has entered.")]
