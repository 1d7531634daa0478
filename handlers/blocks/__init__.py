"""What the bot says, as Slack's blocks: pure functions of `recovery.content`."""

import hashlib
import json
from dataclasses import dataclass

from handlers.blocks import limits
from handlers.blocks.card import card_blocks
from handlers.blocks.limits import Block, characters
from handlers.blocks.secrets import secrets_blocks
from handlers.blocks.text import mrkdwn
from handlers.blocks.trail import notification, trail_blocks
from recovery.content import Card, Content, SecretsMessage, Trail


@dataclass(frozen=True, repr=False)
class Rendered:
    """A message as Slack takes it. `text` is what notifications show. Has no `repr`: it may carry secrets."""

    text: str
    blocks: list[Block]


def render(content: Content) -> Rendered:
    """The content as a message. Cards and trails always fit Slack's limits; secrets are never shortened."""
    match content:
        case Card():
            return Rendered(_text(content.notification), card_blocks(content))
        case Trail():
            return Rendered(notification(content), trail_blocks(content))
        case SecretsMessage():
            return Rendered(_text(content.notification), secrets_blocks(content))


def measure(content: Content) -> int:
    """How many characters the content takes of Slack's limit over all blocks of one message."""
    return characters(render(content).blocks)


def digest(content: Content) -> str:
    """A short fingerprint of how the content would be drawn."""
    rendered = render(content)
    drawn = json.dumps([rendered.text, rendered.blocks], sort_keys=True)
    return hashlib.sha256(drawn.encode()).hexdigest()[:16]


def _text(words: str) -> str:
    # Slack reads `text` as mrkdwn, in notifications too.
    return mrkdwn((limits.cut(words, limits.NOTIFICATION),))
