"""Step 1 where the plan allows no further key: of exactly the keys in use, and of one key alone."""

from collections.abc import Callable

import pytest

from drill.mailgun.accounts import small_account
from drill.mailgun.model import KeyKind
from drill.ordering import OrderFailed
from tests.e2e.handed_over import handed_over
from tests.e2e.recovery_run import Run
from tests.e2e.terminal import typed_key


def test_with_exactly_the_keys_in_use_an_approver_names_one_and_it_works_through(opened: Run) -> None:
    (sending,) = opened.keys("domain")
    old = {key["id"] for key in opened.keys()}
    opened.mailgun.orders.change("account", key_limit=2)
    opened.approve(1)
    opened.wait_status(1, "needs attention")
    card = opened.card(1)
    assert "have no key until its replacement is handed over" in card.words
    assert old >= {key["id"] for key in opened.keys("user", "domain")}
    with pytest.raises(OrderFailed, match="confirmation"):
        opened.olivia.chooses(card, "make_room", sending["id"])

    opened.olivia.chooses(card, "make_room", sending["id"], confirmed=True)
    opened.wait_status(1, "done")

    assert not old & {key["id"] for key in opened.keys()}
    kinds = sorted((key["kind"], key["description"].partition(" [mc-")[0]) for key in opened.keys())
    assert kinds == [("domain", sending["description"]), ("user", "Mailgun recovery bot")]
    (replacement,) = opened.keys("domain")
    assert replacement["secret"] in {sent.secret for sent in handed_over(opened.slack)}
    assert opened.audit("lets a key be deleted before its replacement")


def test_where_one_key_is_allowed_the_bot_takes_a_new_one_and_deletes_the_old(begin_run: Callable[..., Run]) -> None:
    prepared = small_account()
    prepared.account.estate.keys = [k for k in prepared.account.estate.keys if k.kind is not KeyKind.DOMAIN]
    run = begin_run(prepared=prepared)
    run.open_incident()
    (old,) = run.keys("user")
    run.mailgun.orders.change("account", key_limit=1)
    run.approve(1)
    run.wait_status(1, "needs attention")
    assert "The plan allows one API key" in run.card(1).words
    assert [key["id"] for key in run.keys("user", "domain")] == [old["id"]], "the only key is left as it is"

    fresh = run.mailgun.orders.give("keys", kind="user", role="admin", description="Made by hand")
    status, shown = typed_key(run, fresh["secret"])
    assert status == 0, shown
    run.wait_status(1, "done")

    assert [key["id"] for key in run.keys("user", "domain")] == [fresh["id"]]
    assert fresh["secret"] not in {sent.secret for sent in handed_over(run.slack)}
    assert fresh["secret"] not in run.database_dump()
