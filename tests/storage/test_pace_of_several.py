"""Slack's pace over two processes on one PostgreSQL: what either does counts for both."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest
from sqlalchemy import DateTime, bindparam

from handlers.calls import Calls
from handlers.errors import SlowDown
from recovery.buckets import Bucket, Buckets
from recovery.errors import Later, Paced
from storage.database import Database
from storage.shared_buckets import SharedBuckets
from tests.storage.given import NOON, SECOND


class Scene:
    """Two processes, and a server whose clock stands still until it is set."""

    def __init__(self, databases: Sequence[Database]) -> None:
        self.now = NOON
        time = bindparam("servers_time", callable_=lambda: self.now, type_=DateTime(timezone=True))
        self.buckets = [SharedBuckets(database, 8 * SECOND, time) for database in databases]
        self.one, self.other = [Calls(buckets=each) for each in self.buckets]

    def after(self, seconds: float) -> None:
        self.now = NOON + seconds * SECOND


@pytest.fixture
def scene(postgresql_url: str, opened: Callable[[str], Database]) -> Scene:
    return Scene([opened(postgresql_url), opened(postgresql_url)])


def posts(calls: Calls, urgent: str | None = None) -> None:
    with calls.message("D1", urgent):
        pass


def waits(calls: Calls, urgent: str | None = None) -> float:
    """For how many seconds a message is refused, to a thousandth."""
    with pytest.raises(Later) as refused:
        posts(calls, urgent)
    return round(refused.value.seconds, 3)


def test_a_channel_gets_one_message_a_second_from_all_of_them(scene: Scene) -> None:
    posts(scene.one)
    assert waits(scene.other) == 1
    scene.after(1)
    posts(scene.other)
    assert waits(scene.one) == 1


def test_a_message_counts_from_its_answer_for_the_others_too(scene: Scene) -> None:
    with scene.one.message("D1"):
        scene.after(3)
        assert waits(scene.other) == 1
    assert waits(scene.other) == 1
    scene.after(4)
    posts(scene.other)


def test_together_they_call_a_method_as_often_as_its_tier_allows(scene: Scene) -> None:
    for calls in [scene.one, scene.other] * 5:
        with calls.of("users.list"):
            pass
    for calls in (scene.one, scene.other):
        with pytest.raises(Paced), calls.of("users.list"):
            pass


def test_secrets_of_one_go_before_whatever_else_another_says(scene: Scene) -> None:
    posts(scene.one)
    assert waits(scene.one, "handover 1") == 1
    scene.after(1)
    assert waits(scene.other) == 1
    posts(scene.one, "handover 1")


def test_secrets_of_all_of_them_go_in_the_order_in_which_they_came(scene: Scene) -> None:
    posts(scene.one)
    asked = [(scene.one, "handover 1"), (scene.other, "handover 2"), (scene.one, "handover 3")]
    assert [waits(calls, name) for calls, name in asked] == [1, 2, 3]
    for second, (calls, name) in enumerate(asked, start=1):
        scene.after(second)
        posts(calls, name)


def test_after_a_429_of_one_none_of_them_calls_for_as_long_as_slack_asked(scene: Scene) -> None:
    with pytest.raises(SlowDown), scene.one.message("D1"):
        raise SlowDown("slow down", seconds=30)
    with pytest.raises(Later, match="asked the bot to slow down") as asked:
        posts(scene.other)
    assert not isinstance(asked.value, Paced)
    assert waits(scene.other) == 30


def test_what_is_known_outlasts_the_process_that_knew_it(scene: Scene) -> None:
    posts(scene.one)
    assert waits(Calls(buckets=scene.buckets[0])) == 1


class Away(Buckets):
    """Buckets that cannot be had once somebody's call is on its way."""

    def __init__(self, buckets: Buckets) -> None:
        self._buckets = buckets
        self._uses = 0

    @contextmanager
    def use(self, key: str) -> Iterator[tuple[Bucket, float]]:
        self._uses += 1
        if self._uses > 1:
            raise Paced("The database is away.", seconds=1)
        with self._buckets.use(key) as found:
            yield found


def test_the_answer_to_a_call_is_not_lost_with_the_database(scene: Scene) -> None:
    posts(Calls(buckets=Away(scene.buckets[0])))


def test_a_call_whose_end_nobody_heard_of_counts_until_it_must_have_ended(scene: Scene) -> None:
    posts(Calls(buckets=Away(scene.buckets[0])))
    scene.after(7.9)
    assert waits(scene.other) == 1
    scene.after(8)
    posts(scene.other)
