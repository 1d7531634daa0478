"""Files in Slack: brought in two steps that nobody sees, then shared in a third.

slack_sdk's `files_upload_v2` does the same three in one go, and cannot tell afterwards which of them failed.
"""

from collections.abc import Mapping
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from slack_sdk import WebClient

from handlers.blocks import limits
from handlers.blocks.text import mrkdwn
from handlers.calls import Calls
from handlers.errors import of_answer, of_failure
from recovery.content import Document, Place
from recovery.errors import Uncertain
from recovery.text import Line

_UPLOAD = "the upload"
_OWN_MACHINE = ("127.0.0.1", "localhost", "::1")


def bring(client: WebClient, calls: Calls, document: Document) -> str:
    """Bring a file to Slack; its id. `files.getUploadURLExternal`, then a POST of the file to that address.

    What is never shared is shown to nobody, so that an end that is not known needs no looking after: bring another.
    """
    data = document.text.encode()
    with calls.of("files.getUploadURLExternal"):
        answer = client.files_getUploadURLExternal(filename=document.name, length=len(data))
        url, file_id = answer.get("upload_url"), answer.get("file_id")
    if not (isinstance(url, str) and isinstance(file_id, str) and url and file_id):
        raise Uncertain("Slack's answer to files.getUploadURLExternal lacks what was asked for.")
    _send(url, data, client.timeout)
    return file_id


def share(client: WebClient, calls: Calls, place: Place, file_id: str, document: Document, words: Line) -> None:
    """Share a file that was brought. `files.completeUploadExternal`.

    Slack answers before the message is there: it checks the file first. The message carries no metadata, and the
    answer no `ts`; it is known by the file that it shares.
    """
    with calls.message(place.channel_id), calls.of("files.completeUploadExternal"):
        client.files_completeUploadExternal(
            files=[{"id": file_id, "title": document.name}],
            channel_id=place.channel_id,
            thread_ts=place.thread_ts,
            initial_comment=mrkdwn(words, limits.SECTION),
        )


def shares(message: Mapping[str, Any], file_id: str) -> bool:
    """Whether a message shares that file. Where an app may not read files, Slack shows their ids alone."""
    ids = [file.get("id") for file in message.get("files") or () if isinstance(file, Mapping)]
    return file_id in ids or file_id in (message.get("x_files") or ())


def _send(url: str, data: bytes, timeout: float) -> None:
    address = urlsplit(url)
    if address.scheme != "https" and not (address.scheme == "http" and address.hostname in _OWN_MACHINE):
        raise Uncertain("Slack's answer to files.getUploadURLExternal names no safe address.")
    # No token goes with it: the address is the permission.
    request = Request(url, data, {"Content-Type": "application/octet-stream"}, method="POST")
    try:
        with urlopen(request, timeout=timeout) as answer:
            answer.read()
    except HTTPError as error:
        raise of_answer(_UPLOAD, error.code, dict(error.headers.items()), None) from None
    except (OSError, HTTPException) as error:
        raise of_failure(_UPLOAD, error) from None
