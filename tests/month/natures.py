"""What the people of the month are like: what each will do there, drawn by lot beforehand."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import chain, repeat
from random import Random

from recovery.account import SignIn
from recovery.reminders import WISHES
from tests.month.people import A_MOMENT, ASKED, BEGIN, ZONES, Actor, What
from tests.recovery.builders import DAY, HOUR
from tests.recovery.world import REQUESTER


def some_time(lot: Random, least: float, most: float) -> timedelta:
    """So many days."""
    return lot.uniform(least, most) * DAY


def soon(lot: Random) -> timedelta:
    """Most people do what they are asked within a day; some take several, and one in a hundred a week."""
    days = lot.choices((0.3, 1.2, 2.0), (80, 17, 3))[0]
    return A_MOMENT + min(lot.expovariate(1 / days), 7.5) * DAY


def does_it(lot: Random, actor: Actor, after: datetime, within: timedelta = 9 * DAY) -> datetime:
    """Both, one after the other, often at one sitting; when the second is done."""
    reset = actor.will(What.RESETS, after + min(soon(lot), within - HOUR))
    sitting = A_MOMENT * lot.random() if lot.random() < 0.7 else soon(lot)
    return actor.will(What.TURNS_ON, min(reset + sitting, after + within))


def has_habits(lot: Random, actor: Actor, after: datetime, until: datetime) -> None:
    """What else people do until they have done it."""
    if lot.random() < 0.08:
        for _ in range(lot.randint(1, 5)):
            actor.will(What.PUTS_OFF, after + lot.random() * (until - after), lot.choice(WISHES))
    if lot.random() < 0.03:
        actor.will(What.CHECKS, until + timedelta(seconds=30))
    if lot.random() < 0.01:
        actor.will(What.IS_URGED, after + lot.random() * (until - after))
    if lot.random() < 0.01:
        actor.will(What.CANNOT, after + lot.random() * (until - after), "my phone is at the mender's")
    if lot.random() < 0.02:
        actor.will(What.TRAVELS, after + lot.random() * (until - after), lot.choice(ZONES))


def is_ordinary(lot: Random, actor: Actor) -> None:
    has_habits(lot, actor, ASKED + A_MOMENT, does_it(lot, actor, ASKED))


def has_it_already(lot: Random, actor: Actor) -> None:
    actor.has_two_factor = True
    actor.will(What.RESETS, ASKED + soon(lot))


def takes_weeks(lot: Random, actor: Actor) -> None:
    actor.will(What.RESETS, ASKED + soon(lot))
    done = actor.will(What.TURNS_ON, BEGIN + some_time(lot, 8, 20))
    for _ in range(5):
        actor.will(What.PUTS_OFF, ASKED + some_time(lot, 0.1, 15), lot.choice(WISHES))
    actor.will(What.IS_URGED, done - some_time(lot, 0.5, 3))


def never_turns_it_on(lot: Random, actor: Actor) -> None:
    actor.will(What.RESETS, ASKED + soon(lot))
    actor.will(What.IS_STOPPED, BEGIN + some_time(lot, 27, 29), "on leave until summer, and signed out everywhere")


def does_nothing(lot: Random, actor: Actor) -> None:
    stopped = actor.will(What.IS_STOPPED, BEGIN + some_time(lot, 6, 8.9), "in hospital; may only read statistics")
    if lot.random() < 0.5:
        actor.will(What.TURNS_ON, stopped + some_time(lot, 1, 10))


def wavers(lot: Random, actor: Actor) -> None:
    done = does_it(lot, actor, ASKED, within=DAY)
    off = actor.will(What.TURNS_OFF, done + some_time(lot, 0.01, lot.choice((0.5, 18))))
    actor.will(What.TURNS_ON, off + some_time(lot, 0.01, 1.5))


def has_second_thoughts(lot: Random, actor: Actor) -> None:
    """Turns it on and off again within the hour, several times; some have asked for tomorrow before."""
    actor.will(What.RESETS, ASKED + A_MOMENT * (1 + lot.random()))
    at = ASKED + some_time(lot, 0.2, 6)
    for _ in range(lot.randint(2, 4)):
        if lot.random() < 0.5:
            actor.will(What.PUTS_OFF, at - A_MOMENT * lot.random(), "tomorrow")
        on = actor.will(What.TURNS_ON, at)
        off = actor.will(What.TURNS_OFF, on + A_MOMENT * lot.uniform(0.5, 5))
        actor.will(What.CHECKS, on + (off - on) * lot.random())
        at = off + some_time(lot, 0.05, 1.5)
    actor.will(What.TURNS_ON, at)


def is_disabled_for_a_moment(lot: Random, actor: Actor) -> None:
    """More than once, by a colleague who looks for the one whom the attacker has used."""
    at = ASKED + some_time(lot, 0.1, 3)
    for _ in range(lot.randint(1, 3)):
        gone = actor.will(What.IS_DISABLED, at)
        at = actor.will(What.IS_ENABLED, gone + A_MOMENT * lot.uniform(0.5, 5)) + some_time(lot, 0.1, 1)
    does_it(lot, actor, at, within=2 * DAY)


def joins(lot: Random, actor: Actor) -> None:
    joined = actor.will(What.JOINS, BEGIN + some_time(lot, *lot.choice(((0.5, 6), (11, 24)))))
    does_it(lot, actor, joined + 5 * HOUR, within=2 * DAY)


def joins_with_both(lot: Random, actor: Actor) -> None:
    """The bot cannot know whether that was them, asks, and is told."""
    actor.has_done = True
    joined = actor.will(What.JOINS, BEGIN + some_time(lot, *lot.choice(((0.5, 5), (11, 24)))))
    answers(lot, actor, joined + 12 * HOUR)


def was_first(lot: Random, actor: Actor) -> None:
    """Did it in the hour before anybody was asked."""
    actor.will(What.RESETS, BEGIN + A_MOMENT)
    actor.will(What.TURNS_ON, BEGIN + 2 * A_MOMENT)
    answers(lot, actor, ASKED + 6 * HOUR)


def answers(lot: Random, actor: Actor, after: datetime) -> None:
    answered = actor.will(What.ANSWERS, after + some_time(lot, 0, 1.5), lot.choice(("yes", "yes", "no")))
    if actor.plan[-1].value == "no":
        does_it(lot, actor, answered, within=2 * DAY)


def is_removed(lot: Random, actor: Actor) -> None:
    actor.will(What.RESETS, ASKED + soon(lot))
    actor.will(What.IS_REMOVED, BEGIN + some_time(lot, 0.5, 12))


def is_disabled(lot: Random, actor: Actor) -> None:
    actor.will(What.IS_DISABLED, BEGIN + some_time(lot, 0.5, 8.5))


def comes_back(lot: Random, actor: Actor) -> None:
    gone = actor.will(What.IS_DISABLED, BEGIN + some_time(lot, 0.5, 3))
    back = actor.will(What.IS_ENABLED, gone + some_time(lot, 0.05, 2))
    does_it(lot, actor, back + A_MOMENT, within=2 * DAY)


def is_not_found(lot: Random, actor: Actor) -> None:
    """Slack has another address for them; somebody says who they are."""
    actor.known_as = f"{actor.name}@private.example"
    identified = actor.will(What.IS_IDENTIFIED, BEGIN + some_time(lot, 0.1, 3), actor.slack_id)
    does_it(lot, actor, identified, within=4 * DAY)


def is_taken_for_a_bot(lot: Random, actor: Actor) -> None:
    actor.is_bot = True
    identified = actor.will(What.IS_IDENTIFIED, BEGIN + some_time(lot, 0.1, 3), f"{actor.slack_id}-SELF")
    does_it(lot, actor, identified, within=4 * DAY)


def is_told_by_hand(lot: Random, actor: Actor) -> None:
    actor.known_as = None
    told = actor.will(What.IS_TOLD_BY_HAND, BEGIN + some_time(lot, 0.1, 3))
    does_it(lot, actor, told, within=4 * DAY)


def has_no_address(lot: Random, actor: Actor) -> None:
    actor.email = ""
    is_told_by_hand(lot, actor)


def has_left(lot: Random, actor: Actor) -> None:
    actor.known_as = None
    said = actor.will(What.IS_SAID_TO_HAVE_LEFT, BEGIN + some_time(lot, 0.1, 3))
    actor.will(What.IS_REMOVED, said + some_time(lot, 0.1, 5))


def signs_in_elsewhere(lot: Random, actor: Actor) -> None:
    actor.sign_in = lot.choice((SignIn.SINCH, SignIn.SAML, SignIn.UNKNOWN))
    said = actor.will(What.SAYS_DONE, ASKED + min(soon(lot), 6 * DAY))
    actor.will(What.IS_CONFIRMED, said + some_time(lot, 0.01, 2))


def says_nothing(lot: Random, actor: Actor) -> None:
    actor.sign_in = SignIn.SINCH
    actor.will(What.IS_CONFIRMED, BEGIN + some_time(lot, 2, 8.5))


def is_deactivated(lot: Random, actor: Actor) -> None:
    """They do it all the same, or somebody says who they are by now."""
    gone = actor.will(What.IS_DEACTIVATED, BEGIN + some_time(lot, 0.6, 2))
    if lot.random() < 0.5:
        does_it(lot, actor, gone + some_time(lot, 1, 3), within=3 * DAY)
    else:
        back = actor.will(What.IS_IDENTIFIED, gone + some_time(lot, 0.1, 4.5), f"{actor.slack_id}-NEW")
        does_it(lot, actor, back, within=2 * DAY)


def takes_no_messages(lot: Random, actor: Actor) -> None:
    """Does it all the same; nobody can ask them whether that was them, so somebody confirms it."""
    actor.is_closed = True
    done = does_it(lot, actor, ASKED, within=7 * DAY)
    actor.will(What.IS_CONFIRMED, done + some_time(lot, 0.25, 1))


Nature = Callable[[Random, Actor], None]

NATURES: Sequence[tuple[Nature, int]] = (
    (has_it_already, 100),
    (takes_weeks, 4),
    (never_turns_it_on, 2),
    (does_nothing, 4),
    (wavers, 12),
    (has_second_thoughts, 10),
    (is_disabled_for_a_moment, 8),
    (joins, 16),
    (joins_with_both, 5),
    (was_first, 10),
    (is_removed, 8),
    (is_disabled, 8),
    (comes_back, 8),
    (is_not_found, 10),
    (is_taken_for_a_bot, 2),
    (is_told_by_hand, 6),
    (has_no_address, 3),
    (has_left, 6),
    (signs_in_elsewhere, 50),
    (says_nothing, 6),
    (is_deactivated, 8),
    (takes_no_messages, 3),
)
"""What people are like, and how many of a thousand are. The others are ordinary."""

SECOND_USERS = 20
"""How many of a thousand are the second user of somebody else."""


# --- All of them ----------------------------------------------------------------------------------------


def everyone(number: int, lot: Random) -> list[Actor]:
    """So many people; of few, at least one is of each nature."""
    natures = list(chain.from_iterable(repeat(nature, share(per_mille, number)) for nature, per_mille in NATURES))
    second = share(SECOND_USERS, number)
    ordinary = number - len(natures) - second - 2
    first = [*(is_ordinary for _ in range(ordinary)), *natures]
    lot.shuffle(first)
    actors = [an_actor(index) for index in range(number - second)]
    actors[0].is_master = True
    takes_weeks(lot, actors[0])
    actors[1].slack_id, actors[1].zone = REQUESTER, "Europe/Berlin"
    actors[1].email = actors[1].known_as = "req@acme.example"
    is_ordinary(lot, actors[1])
    for actor, nature in zip(actors[2:], first, strict=True):
        nature(lot, actor)
    plain = [actor for actor, nature in zip(actors[2:], first, strict=True) if nature is is_ordinary]
    return [*actors, *second_users(lot, plain[:second], number - second)]


def second_users(lot: Random, of: Sequence[Actor], index: int) -> Iterator[Actor]:
    """Each is the same person in Slack, and does what is asked of this user at another time."""
    for number, one in enumerate(of):
        other = an_actor(index + number)
        other.zone, other.slack_id, other.known_as = one.zone, one.slack_id, None
        other.email = one.email.replace("@", "+alerts@")
        done = does_it(lot, other, ASKED)
        has_habits(lot, other, ASKED + A_MOMENT, done)
        # One person is in one place.
        other.plan = [deed for deed in other.plan if deed.what is not What.TRAVELS]
        yield other


def an_actor(index: int) -> Actor:
    name = f"p{index:04}"
    email = f"{name}@acme.example"
    return Actor(name, ZONES[index % len(ZONES)], f"U-{name.upper()}", email, email)


def share(per_mille: int, of: int) -> int:
    return max(1, round(per_mille * of / 1000))
