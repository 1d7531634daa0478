"""What somebody with an old key does meanwhile is found, and offered for another round. And the plan's key limit."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.e2e.handed_over import handed_over
from tests.e2e.recovery_run import Run, recovery_run

ATTACKERS = "attackerspassword"


@dataclass
class SetBack:
    """Step 2 was done before step 1, and somebody with an old key set a password back in between."""

    run: Run
    warned: str
    offered: str


@pytest.fixture(scope="module")
def set_back(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SetBack]:
    with recovery_run(tmp_path_factory.mktemp("set-back")) as run:
        run.open_incident()
        run.complete(2)
        warned = run.card(2).words
        assert run.mailgun.sets_smtp_password(run.mailgun.admin_key, "mg.example.com", "app@mg.example.com", ATTACKERS)
        run.complete(1)
        run.wait_status(2, "waits for a decision")
        offered = run.card(2).words
        run.complete(2)
        run.rest()
        yield SetBack(run, warned, offered)


def test_what_is_reset_before_the_old_keys_are_gone_says_that_one_could_undo_it(set_back: SetBack) -> None:
    assert "an old key could undo this" in set_back.warned


def test_it_is_offered_again_once_the_last_old_key_is_gone(set_back: SetBack) -> None:
    assert "Another round: 6 logins" in set_back.offered
    assert set_back.run.audit("offers another round of step 2")


def test_the_attackers_password_is_gone_and_what_was_handed_over_last_works(set_back: SetBack) -> None:
    assert ATTACKERS not in set_back.run.passwords().values()
    assert set_back.run.handed_passwords() == set_back.run.passwords()


@dataclass
class Appeared:
    """A key and a login appeared after steps 1 and 2; all else was settled, so the last look was taken."""

    run: Run
    key_id: str
    keys_offered: str
    logins_offered: str
    support_then: str


@pytest.fixture(scope="module")
def appeared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Appeared]:
    with recovery_run(tmp_path_factory.mktemp("appeared")) as run:
        run.open_incident()
        run.complete(1)
        run.complete(2)
        key = run.mailgun.orders.give("keys", kind="user", role="developer", description="Sneaky")
        run.mailgun.orders.give("credentials", domain="mg.example.com", login="sneaky")
        for step in (3, 4, 6, 7):
            run.skip(step)
        run.wait_status(1, "waits for a decision")
        run.wait_status(2, "waits for a decision")
        offered = Appeared(run, key["id"], run.card(1).words, run.card(2).words, run.slack.step_status(5))
        run.complete(1)
        run.approve(2)
        # The new key lived until a moment ago: it could have set any password back.
        run.wait("the others to be offered", lambda: "6 logins" in run.card(2).words and run.card(2).button("approve"))
        run.complete(2)
        # The new login has its new password, and is still there: somebody has to know it.
        run.expect_everything()
        run.wait_status(5, "waits for a decision")
        run.rest()
        yield offered


def test_a_key_that_appeared_is_offered_for_another_round(appeared: Appeared) -> None:
    assert "Another round: 1 key" in appeared.keys_offered


def test_a_login_that_appeared_is_offered_for_another_round(appeared: Appeared) -> None:
    assert "Another round: 1 login" in appeared.logins_offered


def test_support_is_not_to_be_told_while_something_is_offered(appeared: Appeared) -> None:
    assert appeared.support_then == "not open yet"


def test_a_key_that_appeared_is_replaced_like_any_other(appeared: Appeared) -> None:
    run = appeared.run
    assert appeared.key_id not in {key["id"] for key in run.keys()}
    (successor,) = [key for key in run.keys("user") if key["description"].startswith("Sneaky")]
    assert successor["secret"] in {sent.secret for sent in handed_over(run.slack)}


def test_after_the_other_rounds_every_password_is_the_one_handed_over_last(appeared: Appeared) -> None:
    assert len(appeared.run.passwords()) == 7
    assert appeared.run.handed_passwords() == appeared.run.passwords()


def test_a_further_round_can_be_left_with_a_reason(opened: Run) -> None:
    opened.complete(1)
    opened.complete(2)
    opened.mailgun.orders.give("credentials", domain="mg.example.com", login="known")
    for step in (3, 4, 6, 7):
        opened.skip(step)
    opened.wait_status(2, "waits for a decision")
    opened.skip(2, "we made it ourselves")
    opened.expect_everything()
    opened.wait_status(5, "waits for a decision")


# --- The plan's limit ------------------------------------------------------------------------------------


def limit(run: Run, keys: int | None) -> None:
    run.mailgun.orders.change("account", key_limit=keys)


def test_with_room_for_one_more_key_beside_the_bots_own_it_works_through(opened: Run) -> None:
    limit(opened, 4)
    opened.complete(1)
    assert len(opened.keys("user", "domain")) == 3


@pytest.mark.parametrize("room", [2, 3], ids=["no room at all", "room for the bot's own key only"])
def test_without_room_it_needs_attention_in_words_and_works_after_a_retry(opened: Run, room: int) -> None:
    old = {key["id"] for key in opened.keys("user", "domain")}
    limit(opened, room)
    opened.approve(1)
    opened.wait_status(1, "needs attention")
    assert "limit" in opened.card(1).words or "plan allows no further" in opened.card(1).words
    assert "Delete one" in opened.card(1).words, "it says what to do"
    assert old <= {key["id"] for key in opened.keys("user", "domain")}, "no old key is deleted before its time"
    limit(opened, None)
    opened.olivia.clicks(opened.card(1), "retry")
    opened.wait_status(1, "done")
    assert not old & {key["id"] for key in opened.keys()}
    assert len(opened.keys("user", "domain")) == 3
