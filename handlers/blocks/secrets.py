"""A handover as Slack blocks. The only module of this room that reveals a secret.

Secrets stand in preformatted rich text and nowhere else: nothing is interpreted there, and neither a
notification nor a preview shows it. Nothing is ever left out; what is too long is for the caller to split.
"""

from handlers.blocks.limits import Block, header, preformatted, section
from handlers.blocks.text import mrkdwn, paragraphs
from recovery.content import SecretGroup, SecretItem, SecretsMessage


def secrets_blocks(content: SecretsMessage) -> list[Block]:
    """Header, lines, and one `rich_text` block with a heading and copyable lines for each group."""
    lines = [section(text) for text in paragraphs([mrkdwn(line) for line in content.lines])]
    elements = [element for group in content.groups if group.items for element in _group(group)]
    # One block for all the groups: a block each would reach Slack's 50 long before its characters.
    groups: list[Block] = [{"type": "rich_text", "elements": elements}] if elements else []
    return [header(content.title), *lines, *groups]


def _group(group: SecretGroup) -> list[Block]:
    heading = {"type": "text", "text": _one_line(group.heading) or "…", "style": {"bold": True}}
    return [
        {"type": "rich_text_section", "elements": [heading]},
        preformatted("\n".join(_item(item) for item in group.items)),
    ]


def _item(item: SecretItem) -> str:
    # Two spaces and no columns: padding counts against Slack's limit, and would make for more messages.
    return f"{_one_line(item.label)}  {item.secret.reveal()}"


def _one_line(text: str) -> str:
    return " ".join(text.split())
