"""Locks on lanes, so that on PostgreSQL two processes never claim two tasks of one lane at once.

Row locks do not suffice there: each process may see a different first task of the lane, when one was planned
or made ready again in between. On SQLite there is one writer, and every lane is its own.
"""

import hashlib
from collections.abc import Iterable, Set

from sqlalchemy import BigInteger, Connection, Text, column, func, select, values

# Advisory locks by two 32-bit keys never meet those by one 64-bit key, which processes hold.
_SPACE = 0x1A9E


def lock_lanes(connection: Connection, lanes: Iterable[str]) -> Set[str]:
    """Those of the lanes that nobody else is claiming from; they are ours until this transaction ends."""
    wanted = sorted(set(lanes))
    if not wanted or connection.dialect.name == "sqlite":
        return set(wanted)
    keyed = values(column("lane", Text), column("lane_key", BigInteger), name="wanted")
    keyed = keyed.data([(lane, _lane_key(lane)) for lane in wanted])
    got = func.pg_try_advisory_xact_lock(_SPACE, func.int4(keyed.c.lane_key))
    return set(connection.scalars(select(keyed.c.lane).where(got)))


def _lane_key(lane: str) -> int:
    """32 bits of its hash. Two lanes with the same ones step aside for each other, no more than that."""
    return int.from_bytes(hashlib.sha256(lane.encode()).digest()[:4], "big", signed=True)
