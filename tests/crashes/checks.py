"""What must be so once a recovery is over, whatever happened on the way, by what the servers hold."""

from collections.abc import Callable

from tests.crashes import secret_checks, trail_checks
from tests.crashes.findings import Aftermath, Finding, Harm
from tests.crashes.run import CrashRun

CHECKS: tuple[Callable[[Aftermath], list[Finding]], ...] = (
    secret_checks.passwords,
    secret_checks.old_keys,
    secret_checks.replacements,
    secret_checks.account_wide,
    secret_checks.vault,
    secret_checks.sent_once,
    secret_checks.what_counts,
    secret_checks.kept_private,
    trail_checks.finished,
    trail_checks.taken,
    trail_checks.decisions,
    trail_checks.chain,
    trail_checks.thread,
    trail_checks.messages,
)


def check(run: CrashRun) -> list[Finding]:
    """Everything that is wrong after `play`; nothing where all is well. The bot should rest by then.

    Works on any run that came to its end with every handover saved: of one process or several, crashed or not.
    """
    after = Aftermath(run)
    return [finding for one in CHECKS for finding in one(after)]


__all__ = ["Finding", "Harm", "check"]
