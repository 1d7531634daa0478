"""The practice servers, each in a process of its own: they must not take the time of whoever is measured."""

import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

from starlette.applications import Starlette

from drill.account import Mailgun
from drill.actors import Slack
from drill.mailgun.accounts import Prepared
from drill.mailgun.app import create_app as create_mailgun
from drill.serving import PracticeServer
from drill.slack import Workspace
from drill.slack import create_app as create_slack

_STARTS_WITHIN = 30.0


@contextmanager
def mailgun_server(prepared: Prepared, latency: float = 0.0) -> Iterator[Mailgun]:
    """A practice Mailgun with that account, whose answers take `latency` seconds, while the block runs.

    The account is copied into the server's process: look at it there, with `Mailgun.state` and `.calls`.
    """
    with _served(_mailgun, prepared, latency) as url:
        yield Mailgun(url, prepared)


@contextmanager
def slack_server(workspace: Workspace) -> Iterator[Slack]:
    """A practice Slack with a copy of that workspace, while the block runs."""
    with _served(_slack, workspace) as url:
        yield Slack(url, workspace)


def _mailgun(prepared: Prepared, latency: float) -> Starlette:
    return create_mailgun(prepared.account, latency)


def _slack(workspace: Workspace) -> Starlette:
    return create_slack(workspace)


@contextmanager
def _served(create: Callable[..., Starlette], *arguments: object) -> Iterator[str]:
    # Spawned: a fork would share what this process has open.
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, create, arguments), daemon=True)
    process.start()
    theirs.close()
    try:
        if not ours.poll(_STARTS_WITHIN):
            raise RuntimeError("a practice server did not start")
        yield ours.recv()
    finally:
        ours.close()
        process.join(_STARTS_WITHIN)


def _serve(parent: Connection, create: Callable[..., Starlette], arguments: tuple[object, ...]) -> None:
    with PracticeServer(create(*arguments)) as server:
        parent.send(server.url)
        # Until the other end is closed, or its process is gone.
        while True:
            try:
                parent.recv()
            except EOFError:
                return
