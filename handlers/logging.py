"""Keeps Slack's libraries from printing what nobody may read, at every level of ours."""

import logging

from slack_bolt.logger import messages

_LIBRARIES = ("slack_sdk", "slack_bolt", "urllib3")


def quiet_libraries() -> None:
    """Hold Slack's and urllib3's loggers at INFO: at DEBUG they print whole requests and envelopes."""
    for name in _LIBRARIES:
        logging.getLogger(name).setLevel(_quiet())


def bolt_logger() -> logging.Logger:
    """The logger that Bolt and Socket Mode write to; Bolt copies its level to every logger of its own."""
    logger = logging.getLogger("handlers.bolt")
    logger.setLevel(_quiet())
    logger.addFilter(_is_news)
    return logger


def silent_logger() -> logging.Logger:
    """A logger for clients: `slack_sdk` logs the beginning of an answer that it cannot read, and a message's
    answer repeats the message. What went wrong is in the errors that this room raises."""
    logger = logging.getLogger("handlers.web")
    logger.setLevel(logging.CRITICAL)
    return logger


def _is_news(record: logging.LogRecord) -> bool:
    # `build_app` gives the client and the authorization on purpose; Bolt, which also finds SLACK_BOT_TOKEN in
    # the environment, would warn of it at each start.
    return record.getMessage() not in (
        messages.warning_client_prioritized_and_token_skipped(),
        messages.warning_token_skipped(),
    )


def _quiet() -> int:
    return max(logging.INFO, logging.getLogger().level)
