"""Slack's Web API clients, set up the way this project needs them."""

import ssl
from functools import cache

from slack_sdk import WebClient
from slack_sdk.webhook import WebhookClient

from handlers.logging import silent_logger

SLACK_API = "https://slack.com/api/"


def web_client(token: str, base_url: str = SLACK_API, timeout: float = 8) -> WebClient:
    """A client that retries nothing, logs no content, and keeps to the machine's proxies and `NO_PROXY`.

    It makes no call by itself.
    """
    client = WebClient(
        token=token,
        base_url=base_url,
        timeout=max(1, round(timeout)),
        ssl=_tls(),
        logger=silent_logger(),
        retry_handlers=[],
    )
    # slack_sdk reads HTTP_PROXY for itself and ignores NO_PROXY; without a proxy here urllib minds both.
    client.proxy = None
    return client


def webhook_client(url: str, timeout: float) -> WebhookClient:
    """A client for one `response_url`, with the same habits."""
    client = WebhookClient(url, timeout=max(1, round(timeout)), ssl=_tls(), logger=silent_logger(), retry_handlers=[])
    client.proxy = None
    return client


@cache
def _tls() -> ssl.SSLContext:
    """One for every connection: making it reads all certificate authorities of the machine, which takes longer than a
    call to Slack. Left to itself, slack_sdk makes one for each call."""
    return ssl.create_default_context()
