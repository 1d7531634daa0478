"""What an attacker who still has a key does while step 1 runs."""

from recovery.actions import Ask
from recovery.errors import KeyRefused
from recovery.state import StepStatus
from tests.recovery.builders import DAY, a_key
from tests.recovery.fakes import START
from tests.recovery.keys import NEWER, gives, uses
from tests.recovery.world import World


def test_a_key_that_dies_in_the_middle_needs_a_fresh_one_and_nothing_is_done_twice(world: World) -> None:
    for number in range(3):
        world.mailgun.has_key(a_key(f"key-{number}"), f"secret-{number}")
    world.opened()
    world.press(Ask.APPROVE, "1")
    world.drain("api_keys.begin")
    world.mailgun.fail("delete_key", KeyRefused("Mailgun refused the key", status=401), "key-1", times=50)
    world.mailgun.fail("delete_key", KeyRefused("Mailgun refused the key", status=401), "key-2", times=50)
    world.work()
    assert world.status("1") is StepStatus.NEEDS_ATTENTION
    assert "fresh admin key" in world.card("1")
    handed = len(world.handed_keys)

    world.mailgun.faults = type(world.mailgun.faults)()
    dead = world.vault.current().reveal()
    for key_id in [key_id for key_id, secret in world.mailgun.key_secrets.items() if secret == dead]:
        del world.mailgun.api_keys[key_id], world.mailgun.key_secrets[key_id]
    world.mailgun.has_key(a_key("fresh", description="fresh"), "fresh-secret")
    gives(world, "fresh-secret")

    assert world.status("1") is StepStatus.DONE
    assert len(world.handed_keys) == handed
    assert {"key-0", "key-1", "key-2", "env-key"}.isdisjoint(world.mailgun.api_keys)


def test_a_key_made_between_listing_and_deleting_is_found_at_the_last_look(world: World) -> None:
    world.opened()
    world.press(Ask.APPROVE, "1")
    world.drain("api_keys.begin")
    world.mailgun.has_key(a_key("intruder", description="intruder"), "intruder-secret")
    world.work()
    world.vacated()
    assert world.status("1") is StepStatus.WAITING
    assert world.state("1").facts["scope"] == ["intruder"]
    signing = world.mailgun.outlets.signing_keys[-1]

    world.approved("1")
    assert "intruder" not in world.mailgun.api_keys
    assert world.mailgun.outlets.signing_keys[-1] != signing, "whoever had that key could read the signing key"
    assert world.handed_over[-2] == world.mailgun.outlets.signing_keys[-1]


def test_at_the_plans_limit_a_fresh_key_takes_the_place_of_the_bots_own(world: World) -> None:
    uses(world, NEWER)
    world.mailgun.has_key(a_key("billing", description="billing"), "billing-secret")
    world.opened()
    world.mailgun.fail("delete_key", KeyRefused("Mailgun refused the key", status=401), "billing", times=50)
    world.approved("1")
    assert world.status("1") is StepStatus.NEEDS_ATTENTION

    world.mailgun.faults = type(world.mailgun.faults)()
    dead = world.vault.current().reveal()
    (own,) = [key_id for key_id, secret in world.mailgun.key_secrets.items() if secret == dead]
    for key_id in (own, "billing"):
        del world.mailgun.api_keys[key_id], world.mailgun.key_secrets[key_id]
    world.mailgun.key_limit = len(world.mailgun.api_keys) + 1
    fresh = f"{'b2' * 16}-fresh"
    world.mailgun.has_key(a_key("fresh", description="fresh", created_at=START + DAY), fresh)
    gives(world, fresh)

    assert world.status("1") is StepStatus.DONE
    assert world.vault.current().reveal() == fresh
    assert "fresh" in world.mailgun.api_keys
