"""The Bolt app: every listener, and how Bolt is set up. Building it makes no call to Slack."""

import logging
import traceback
from concurrent.futures import ThreadPoolExecutor

from slack_bolt import App, BoltResponse
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.error import BoltUnhandledRequestError

from handlers import actions, commands, views
from handlers.clients import SLACK_API, web_client
from handlers.intake import Intake, NotUnderstood
from handlers.logging import bolt_logger, quiet_libraries

logger = logging.getLogger(__name__)

LISTENERS = 32
"""Threads for listeners. Bolt's own five let the last of fifty clicks wait past Slack's three seconds."""

FORM_TIMEOUT = 2.0
"""A form must open within three seconds of the click, and a failure must still be stored in them."""


_MISSHAPEN = (NotUnderstood, LookupError, TypeError, AttributeError, ValueError, RecursionError)
"""How a listener, or Bolt on the way to it, fails over a payload that lacks what all of Slack's have."""


def build_app(bot_token: str, intake: Intake, *, base_url: str = SLACK_API, over_http: bool = False) -> App:
    """The app with all its listeners. With `over_http` they run in the thread that has the request.

    `App(token=…)` would call `auth.test` here or before the first click; nobody must wait for that, and a
    Slack that is down must not end the program. One token serves one workspace: there is nothing to look up.
    """
    quiet_libraries()
    app = App(
        name="mailgun-recovery",
        logger=bolt_logger(),
        client=web_client(bot_token, base_url, FORM_TIMEOUT),
        authorize=lambda enterprise_id, team_id: AuthorizeResult(
            enterprise_id=enterprise_id, team_id=team_id, bot_token=bot_token
        ),
        process_before_response=over_http,
        raise_error_for_unhandled_request=True,
        listener_executor=ThreadPoolExecutor(LISTENERS, thread_name_prefix="slack-listener"),
    )
    app.error(report_error)
    commands.register(app, intake)
    actions.register(app, intake)
    views.register(app, intake)
    return app


def report_error(error: Exception, response: BoltResponse | None) -> None:
    """Log that something from Slack was not taken: what kind of error and where, never what was sent.

    Its message stays out, because database errors repeat what they were to store. Slack is not acknowledged
    and tells the person; over HTTP the response says whose fault it was, and nothing else.
    """
    where = " < ".join(
        f"{frame.name} ({frame.filename}:{frame.lineno})"
        for frame in reversed(traceback.extract_tb(error.__traceback__))
    )
    logger.error("something from Slack could not be taken: %s in %s", type(error).__name__, where or "no listener")
    if response is None:
        # It was acknowledged before.
        return
    response.status, response.body = _told(error)


def _told(error: Exception) -> tuple[int, str]:
    if isinstance(error, BoltUnhandledRequestError):
        return 404, "not known here"
    if isinstance(error, _MISSHAPEN):
        return 400, "not understood"
    return 503, "not taken"
