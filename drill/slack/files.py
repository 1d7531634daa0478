"""Files: addresses to upload them to, and those that were uploaded, shared or not."""

import secrets
from dataclasses import dataclass, field

from drill.slack.model import JsonObject


@dataclass
class File:
    """A file that the app announced. Nobody sees it until it is shared."""

    id: str
    name: str
    length: int
    title: str = ""
    content: bytes | None = None
    is_complete: bool = False

    def as_slack(self, base_url: str, user_id: str) -> JsonObject:
        """The file object that messages and answers carry."""
        return {
            "id": self.id,
            "name": self.name,
            "title": self.title or self.name,
            "user": user_id,
            "size": self.length,
            "mode": "hosted",
            "is_external": False,
            "url_private": f"{base_url}/files/{self.id}/{self.name}",
        }


@dataclass
class Files:
    """Every file of a workspace, by its id, and the addresses that wait for one."""

    _files: dict[str, File] = field(default_factory=dict)
    _addresses: dict[str, File] = field(default_factory=dict)

    def announce(self, name: str, length: int) -> tuple[File, str]:
        """A new file, and the ticket in the address that takes it, once."""
        file, ticket = File(f"F{secrets.token_hex(5).upper()}", name, length), secrets.token_urlsafe(16)
        self._files[file.id] = self._addresses[ticket] = file
        return file, ticket

    def find(self, file_id: str) -> File | None:
        """The file with that id."""
        return self._files.get(file_id)

    def take(self, ticket: str, content: bytes) -> File | None:
        """What an address was sent; None if it waits for nothing, or not for that many bytes."""
        file = self._addresses.get(ticket)
        if file is None or file.length != len(content):
            return None
        del self._addresses[ticket]
        file.content = content
        return file
