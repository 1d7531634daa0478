"""Slack's blocks as plain text, for whoever reads a transcript or looks for words in a message."""

import re
from collections.abc import Iterable, Mapping

from drill.ordering import JsonObject

_LINK = re.compile(r"<(https?://[^|>]+)\|([^>]+)>")
_DATE = re.compile(r"<!date\^\d+\^[^|>]*\|([^>]+)>")
_MENTION = re.compile(r"<([@#])([A-Z0-9]+)>")
_MARKS = re.compile(r"(?<![\w*])\*([^*\n]+)\*(?![\w*])|`([^`\n]+)`")

Names = Mapping[str, str]


def plain(blocks: Iterable[JsonObject], names: Names | None = None) -> str:
    """The text of the blocks, a line each; people and channels by their `names`, buttons left out."""
    return "\n".join(line for block in blocks for line in _lines(block, names or {}))


def unmarked(text: str, names: Names | None = None) -> str:
    """Slack's mrkdwn as it reads: mentions by name, links by their label, no marks, no entities."""
    known = names or {}
    text = _DATE.sub(r"\1", text)
    text = _LINK.sub(r"\2", text)
    text = _MENTION.sub(lambda found: known.get(found[2], found[0]), text)
    text = _MARKS.sub(lambda found: found[1] or found[2], text)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def pasted(block: JsonObject) -> list[list[str]]:
    """The lines of each preformatted text in a block: what is there to be copied, secrets among it."""
    return [
        "".join(str(part.get("text", "")) for part in element["elements"]).split("\n")
        for element in block.get("elements", ())
        if element.get("type") == "rich_text_preformatted"
    ]


def _lines(block: JsonObject, names: Names) -> list[str]:
    match block["type"]:
        case "header":
            return [str(block["text"]["text"])]
        case "section":
            return unmarked(str(block["text"]["text"]), names).split("\n")
        case "context":
            texts = [str(element["text"]) for element in block["elements"] if "text" in element]
            return [line for text in texts for line in unmarked(text, names).split("\n")]
        case "rich_text":
            return [
                line
                for element in block["elements"]
                for line in "".join(str(part.get("text", "")) for part in element["elements"]).split("\n")
            ]
        case _:
            return []
