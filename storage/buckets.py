"""The table of token buckets, one row a bucket. There are as many as channels that the bot has written in."""

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, bindparam, func, select, update
from sqlalchemy.types import DateTime

from recovery.buckets import Bucket
from storage.rows import unless_there
from storage.schema import BucketRow

Time = ColumnElement[datetime]
"""What says what time it is, in a query."""

SERVERS_TIME: Time = func.clock_timestamp(type_=DateTime(timezone=True))

_SET_BACK = 60.0
"""Seconds by which the server's clock must have been set back for what was kept before that to be forgotten."""

_OF = BucketRow.key == bindparam("of")
_KEEP = update(BucketRow).where(_OF)
_NEW = {"kept_at": 0.0, **asdict(Bucket())}


class BucketTable:
    """What `Transaction.buckets` is."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def lock(self, key: str, time: Time) -> tuple[Bucket, float]:
        """The bucket, this transaction's alone until it ends, and what time it is."""
        query = select(BucketRow, time.label("now")).where(_OF).with_for_update()
        row = self._connection.execute(query, {"of": key}).one_or_none()
        if row is None:
            self._connection.execute(unless_there(self._connection, BucketRow).values(key=key, **_NEW))
            row = self._connection.execute(query, {"of": key}).one()
        now = row.now.timestamp()
        if row.kept_at > now + _SET_BACK:
            return Bucket(), now
        return Bucket(row.full_at, row.closed_until, row.on_the_way, row.line), now

    def keep(self, key: str, bucket: Bucket, now: float) -> None:
        """How it is from here on."""
        self._connection.execute(_KEEP, {"of": key, "kept_at": now, **asdict(bucket)})
