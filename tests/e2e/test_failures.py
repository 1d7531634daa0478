"""What fails is named, one by one; a retry repeats only that."""

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.e2e.handed_over import handed_over
from tests.e2e.recovery_run import Run, recovery_run

BILLING = "billing@mg.example.com"


def puts(run: Run) -> Counter[str]:
    """How often each login was set."""
    return Counter(call["login"] for call in run.mailgun.calls() if call["method"] == "PUT")


@pytest.fixture(scope="module")
def stuck(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Step 2 after Mailgun has refused one login for good."""
    with recovery_run(tmp_path_factory.mktemp("stuck")) as run:
        run.open_incident()
        run.mailgun.orders.fault({"method": "PUT", "contains": BILLING}, "400", times=10_000, message="no such mailbox")
        run.approve(2)
        run.wait_status(2, "needs attention")
        yield run


def test_a_login_that_mailgun_refuses_for_good_is_named_with_the_reason(stuck: Run) -> None:
    assert BILLING in stuck.card(2).words
    assert "no such mailbox" in stuck.card(2).words
    assert "app@mg.example.com" not in stuck.card(2).words


def test_the_board_says_that_the_step_needs_attention(stuck: Run) -> None:
    stuck.wait("the board", lambda: "needs attention" in stuck.slack.board().words)


def test_the_other_logins_were_handed_over(stuck: Run) -> None:
    labels = {sent.label for sent in handed_over(stuck.slack)}
    assert BILLING not in labels
    assert len(labels) == 5


def test_a_retry_repeats_only_what_failed(stuck: Run) -> None:
    before = puts(stuck)
    stuck.mailgun.orders.clear("faults")
    stuck.olivia.clicks(stuck.card(2), "retry")
    stuck.wait_status(2, "done")
    assert puts(stuck) - before == Counter({BILLING: 1})
    assert stuck.handed_passwords() == stuck.passwords()


def test_a_step_that_needs_attention_can_be_skipped_with_a_reason(opened: Run) -> None:
    opened.mailgun.orders.fault({"method": "PUT", "contains": BILLING}, "400", times=10_000)
    opened.approve(2)
    opened.wait_status(2, "needs attention")
    opened.press(opened.priya, opened.card(2), "skip", "Billing is no longer used")
    opened.wait_status(2, "skipped")


def test_mailguns_wait_is_kept(opened: Run) -> None:
    opened.mailgun.orders.fault({"method": "PUT"}, "429", seconds=1, times=3)
    opened.complete(2)
    assert opened.handed_passwords() == opened.passwords()


def test_a_key_that_is_not_deleted_leaves_its_step_in_need_of_attention(opened: Run) -> None:
    (shop,) = opened.keys("domain")
    opened.mailgun.orders.fault({"method": "DELETE", "path": f"*{shop['id']}"}, "400", times=10_000)
    opened.approve(1)
    opened.wait_status(1, "needs attention")
    assert "Shop" in opened.card(1).words
    opened.mailgun.orders.clear("faults")
    opened.olivia.clicks(opened.card(1), "retry")
    opened.wait_status(1, "done")
    assert shop["id"] not in {key["id"] for key in opened.keys()}
    assert len(opened.keys("user", "domain")) == 3
