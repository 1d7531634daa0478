"""Lines as Slack's mrkdwn. Whatever came from outside can neither page anybody nor become a link."""

import re
from collections.abc import Sequence
from urllib.parse import quote, urlsplit

from handlers.blocks.limits import SECTION
from recovery.text import Bold, Channel, Code, Line, Link, Part, When, Who

_USER_ID = re.compile(r"[UW][A-Z0-9]+")
_CHANNEL_ID = re.compile(r"[CDG][A-Z0-9]+")
_URL_SAFE = ":/?#[]@!$&'()*+,;=%-._~"
_ELLIPSIS = "…"
_NO_BACKTICK = "\N{MODIFIER LETTER GRAVE ACCENT}"
_NO_ASTERISK = "\N{ASTERISK OPERATOR}"


def escaped(text: str) -> str:
    """The text with `&`, `<` and `>` as entities: a domain named `<!channel>` pages nobody."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def mrkdwn(line: Line, most: int = SECTION) -> str:
    """The line as mrkdwn in at most `most` characters; a mention, link or entity is never cut in two."""
    written: list[str] = []
    for part in line:
        piece = _part(part)
        if sum(map(len, written)) + len(piece) > most:
            return _cut_off(written, part, most - len(_ELLIPSIS)) + _ELLIPSIS
        written.append(piece)
    return "".join(written)


def paragraphs(lines: Sequence[str], most: int = SECTION) -> list[str]:
    """Rendered lines joined by newlines into as few texts as possible, none over `most` characters."""
    texts: list[str] = []
    for line in lines:
        if texts and len(texts[-1]) + 1 + len(line) <= most:
            texts[-1] += "\n" + line
        else:
            texts.append(line)
    # Slack refuses a section without a visible character.
    return [text for text in texts if text.strip()]


def _part(part: Part) -> str:
    match part:
        case str():
            return escaped(part)
        case Who(user_id):
            return f"<@{user_id}>" if _USER_ID.fullmatch(user_id) else escaped(user_id)
        case Channel(channel_id):
            return f"<#{channel_id}>" if _CHANNEL_ID.fullmatch(channel_id) else escaped(channel_id)
        case Link(url, label):
            return _link(url, label)
        case Code(value):
            return _span("`", value, _NO_BACKTICK)
        case Bold(value):
            return _span("*", value, _NO_ASTERISK)
        case When(at):
            utc = f"{at:%Y-%m-%d %H:%M} UTC"
            return f"<!date^{int(at.timestamp())}^{{date_short_pretty}} {{time}}|{utc}>"


def _span(mark: str, value: str, stand_in: str) -> str:
    # A mark or a line end inside would close the span, and the rest would be read as markup.
    inside = escaped(" ".join(value.split()).replace(mark, stand_in))
    return f"{mark}{inside}{mark}" if inside else ""


def _link(url: str, label: str) -> str:
    words = escaped(" ".join(label.split())).replace("|", "¦")
    try:
        parts = urlsplit(url)
    except ValueError:
        return words
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return words
    address = escaped(quote(url, safe=_URL_SAFE))
    return f"<{address}|{words}>" if words else f"<{address}>"


def _cut_off(written: list[str], part: Part, room: int) -> str:
    fitting = "".join(written)
    if len(fitting) > room:
        # The last piece that is not empty fills the line to the end, and makes way for the ellipsis.
        return fitting.removesuffix([piece for piece in written if piece][-1])
    # Only words can be cut; half a mention or link would be shown as its code.
    if isinstance(part, str):
        for character in part:
            if len(fitting) + len(escaped(character)) > room:
                break
            fitting += escaped(character)
    elif isinstance(part, (Code, Bold)):
        # An entity is at most five characters long, so a fifth of what is left always fits.
        fitting += _part(type(part)(part.value[: max(0, room - len(fitting) - 2) // 5]))
    return fitting
