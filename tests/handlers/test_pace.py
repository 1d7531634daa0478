"""The pace: who may call now, who comes next, and what follows when the other side had enough all the same."""

import pytest

from handlers.buckets import OwnBuckets
from handlers.errors import SlowDown
from handlers.pace import Pace
from recovery.errors import Later, Paced


class Scene:
    """A pace of one call a second, and a clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = 0.0
        self.buckets = OwnBuckets(lambda: self.now)
        self.pace = self.of(1)

    def of(self, burst: int, seconds: float = 1) -> Pace:
        self.pace = Pace("One a second.", seconds, burst, self.buckets)
        return self.pace

    def calls(self, urgent: str | None = None, *, key: str = "here", taking: float = 0, asks: float = 0) -> None:
        """One call, whose answer takes that long, or asks to wait."""
        with self.pace.turn(key, urgent):
            self.now += taking
            if asks:
                raise SlowDown("slow down", seconds=asks)

    def waits(self, urgent: str | None = None, *, key: str = "here") -> float:
        """For how many seconds a call is refused."""
        with pytest.raises(Later) as refused, self.pace.turn(key, urgent):
            pass
        return refused.value.seconds


@pytest.fixture
def scene() -> Scene:
    return Scene()


# The bucket


def test_a_burst_goes_at_once_and_then_one_at_a_time(scene: Scene) -> None:
    scene.of(burst=3, seconds=2)
    for _ in range(3):
        scene.calls()
    assert scene.waits() == 2

    scene.now = 2
    scene.calls()
    assert scene.waits() == 2


def test_each_key_has_a_bucket_of_its_own(scene: Scene) -> None:
    scene.calls()
    scene.calls(key="there")


def test_zero_seconds_are_no_pace(scene: Scene) -> None:
    scene.of(burst=1, seconds=0)
    for _ in range(10):
        scene.calls()


def test_a_call_counts_from_its_answer(scene: Scene) -> None:
    scene.calls(taking=3)
    assert scene.waits() == 1


def test_while_a_call_is_on_its_way_its_token_is_not_there(scene: Scene) -> None:
    with scene.pace.turn("here"):
        assert scene.waits() == 1
        scene.now = 5
        assert scene.waits() == 1


def test_a_call_that_raises_counts_as_well(scene: Scene) -> None:
    with pytest.raises(ValueError, match="no"), scene.pace.turn("here"):
        raise ValueError("no")
    assert scene.waits() == 1


def test_a_bucket_that_has_been_full_for_a_minute_is_forgotten(scene: Scene) -> None:
    for number in range(10):
        scene.calls(key=str(number))
    scene.now = 61
    scene.calls()
    assert list(scene.buckets._buckets) == ["here"]


# The line


def test_urgent_calls_get_moments_of_their_own_in_order(scene: Scene) -> None:
    scene.calls()
    assert [scene.waits(name) for name in ("a", "b", "c")] == [1, 2, 3]

    for moment, name in ((1, "a"), (2, "b"), (3, "c")):
        scene.now = moment
        scene.calls(name)


def test_who_asks_again_too_early_keeps_their_moment(scene: Scene) -> None:
    scene.calls()
    scene.waits("a")
    scene.waits("b")
    scene.now = 0.5
    assert (scene.waits("b"), scene.waits("a")) == (1.5, 0.5)


def test_what_is_not_urgent_comes_after_all_that_is(scene: Scene) -> None:
    scene.calls()
    scene.waits("a")
    scene.waits("b")
    assert scene.waits() == 3

    scene.now = 1
    assert scene.waits() == 2


def test_a_new_urgent_call_takes_no_moment_that_was_promised(scene: Scene) -> None:
    scene.calls()
    scene.waits("a")
    scene.now = 1
    assert scene.waits("b") == 1
    scene.calls("a")


def test_when_one_of_the_line_comes_late_the_next_waits_as_much_longer(scene: Scene) -> None:
    scene.calls()
    scene.waits("a")
    scene.waits("b")
    scene.now = 1.75
    scene.calls("a")
    scene.now = 2
    assert scene.waits("b") == 0.75


def test_who_does_not_come_back_holds_the_next_up_by_nothing(scene: Scene) -> None:
    scene.calls()
    scene.waits("gone")
    scene.waits("b")
    scene.now = 2
    scene.calls("b")


def test_who_does_not_come_back_holds_the_others_up_by_one_moment(scene: Scene) -> None:
    scene.calls()
    scene.waits("gone")
    scene.now = 1
    assert scene.waits() == 1
    scene.now = 2
    scene.calls()


# What the other side says


def test_after_a_429_everybody_waits_for_as_long_as_it_asked(scene: Scene) -> None:
    scene.of(burst=5)
    with pytest.raises(SlowDown):
        scene.calls(asks=30)
    assert scene.waits() == 30

    scene.now = 30
    scene.calls()
    assert scene.waits() == 1


def test_after_a_429_the_line_keeps_its_order(scene: Scene) -> None:
    with scene.pace.turn("here"):
        scene.waits("a")
        scene.waits("b")
    scene.now = 1
    with pytest.raises(SlowDown):
        scene.calls("a", asks=30)
    assert (scene.waits("b"), scene.waits("a")) == (30, 31)


def test_the_bots_own_pace_is_told_from_what_the_other_side_asks(scene: Scene) -> None:
    scene.calls()
    with pytest.raises(Paced), scene.pace.turn("here"):
        pass
    scene.now = 1
    with pytest.raises(SlowDown):
        scene.calls(asks=30)
    with pytest.raises(Later, match="asked the bot to slow down") as asked, scene.pace.turn("here"):
        pass
    assert not isinstance(asked.value, Paced)
