"""Where Mailgun runs: the two regions of its API, and the hosts that store mail until it is due."""

from __future__ import annotations

import enum


class Region(enum.StrEnum):
    US = "us"
    EU = "eu"


class StorageHost(enum.StrEnum):
    """A host that stores queued mail. Only it can delete what it stores; the API's own hosts cannot."""

    US_EAST = "storage-us-east4"
    US_WEST = "storage-us-west1"
    EUROPE_WEST = "storage-europe-west1"

    @property
    def region(self) -> Region:
        """The region whose domains have their mail here."""
        return Region.EU if self is StorageHost.EUROPE_WEST else Region.US
