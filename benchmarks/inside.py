"""The rules inside this process, on a real database, to be measured part by part; and the statements that they cost."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event

from cryptography.fernet import Fernet

from bot import wire
from recovery.jobs import Job
from recovery.kinds import all_task_kinds
from recovery.steps import STEPS
from recovery.tools import Tools
from settings import load_settings, policy_of

_KINDS = {kind.name: kind for kind in all_task_kinds(STEPS)}
_OWNER = 1
"""Signs the leases. Nobody else is there to take them over."""


@contextmanager
def tools_of(environ: Mapping[str, str]) -> Iterator[Tools]:
    """What a task may use in a bot with these variables, while the block runs. Nothing else of the bot runs."""
    settings = load_settings(environ)
    rooms = wire(settings)
    policy = policy_of(settings)
    with ThreadPoolExecutor(policy.concurrency) as calls, rooms.database as database:
        database.hold()
        yield Tools(
            store=database,
            mailgun=rooms.mailgun,
            messenger=rooms.messenger,
            directory=rooms.directory,
            vault=rooms.vault,
            clock=rooms.clock,
            policy=policy,
            leaks=rooms.leaks,
            calls=calls,
            wake=lambda: None,
            stopping=Event(),
        )


def alone(database_url: str) -> dict[str, str]:
    """Variables of a bot of which only the database is real."""
    return {
        "SLACK_BOT_TOKEN": "xoxb-of-nobody",
        "SLACK_APP_TOKEN": "xapp-of-nobody",
        "MAILGUN_API_KEY": "key-of-nobody",
        "DATABASE_URL": database_url,
        "ENCRYPTION_KEY": Fernet.generate_key().decode(),
    }


def run_all(tools: Tools, *kinds: str) -> int:
    """Claim and run, one after another, the tasks of these kinds that can be claimed now; how many."""
    ran = 0
    while job := _claimed(tools, kinds):
        job.kind.run(job)
        job.finish()
        ran += 1
    return ran


def _claimed(tools: Tools, kinds: Sequence[str]) -> Job | None:
    now = tools.clock.now()
    until = now + tools.policy.lease
    with tools.store.write() as tx:
        tasks = tx.tasks.claim(kinds, {}, _OWNER, now, until)
    return Job(tools, _KINDS[tasks[0].kind], tasks, until) if tasks else None
