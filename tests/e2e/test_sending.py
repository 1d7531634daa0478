"""Secrets are sent once, in as few messages as fit, to somebody who can be reached."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

import pytest

from drill.mailgun.accounts import scaled_account
from tests.e2e.handed_over import handed_over, handover_posts
from tests.e2e.recovery_run import Run, recovery_run

MOST_CHARACTERS = 9_000


@pytest.fixture(scope="module")
def put_off(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Slack put the handover off for two seconds."""
    with recovery_run(tmp_path_factory.mktemp("put-off")) as run:
        run.open_incident()
        run.slack.orders.fault({"path": "chat.postMessage", "contains": "Save these now"}, "429", seconds=2)
        run.complete(2)
        run.rest()
        yield run


def test_a_handover_that_slack_puts_off_is_sent_again_as_it_was(put_off: Run) -> None:
    assert put_off.handed_passwords() == put_off.passwords()
    assert len(handover_posts(put_off.slack)) == 1
    puts = Counter(call["path"] for call in put_off.mailgun.calls() if call["method"] == "PUT")
    assert set(puts.values()) == {1}, "it is certain that it was not sent, so the same secrets may be"


def test_slacks_wait_is_kept(put_off: Run) -> None:
    put = max(call["at"] for call in put_off.mailgun.calls() if call["method"] == "PUT")
    (post,) = handover_posts(put_off.slack)
    assert post["at"] - datetime.fromisoformat(put).timestamp() >= 2


def test_many_logins_come_in_as_few_messages_as_fit(begin_run: Callable[..., Run]) -> None:
    run = begin_run(prepared=scaled_account(domains=20, credentials_per_domain=15, users=0), BATCH="1000")
    run.open_incident()
    run.complete(2, seconds=30)
    assert run.handed_passwords() == run.passwords()
    sizes = [_characters(post["body"]["blocks"]) for post in handover_posts(run.slack)]
    assert max(sizes) <= MOST_CHARACTERS
    assert len(sizes) == -(-sum(sizes) // MOST_CHARACTERS)
    assert "msg_blocks_too_long" not in {call.get("error") for call in run.slack.log()}


@dataclass
class Unreachable:
    """Steps 1 and 2 were approved while Olivia's direct message could not be posted to."""

    run: Run
    cards: dict[int, str]
    changes: list[dict[str, object]]


@pytest.fixture(scope="module", params=["the messages tab is off", "she closed it"])
def unreachable(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Unreachable]:
    with recovery_run(tmp_path_factory.mktemp("unreachable")) as run:
        run.open_incident()
        run.slack.workspace.app.messages_tab_enabled = request.param == "she closed it"
        run.slack.orders.change("users/UOLIVIA", dm_closed=True)
        for step in (1, 2):
            run.approve(step)
            run.wait_status(step, "needs attention")
        found = Unreachable(run, {step: run.card(step).words for step in (1, 2)}, run.changes_at_mailgun())
        run.slack.workspace.app.messages_tab_enabled = True
        run.slack.orders.change("users/UOLIVIA", dm_closed=False)
        run.olivia.clicks(run.card(2), "retry")
        run.wait_status(2, "done")
        run.rest()
        yield found


def test_without_a_direct_message_nothing_is_changed_at_mailgun(unreachable: Unreachable) -> None:
    assert unreachable.changes == []


@pytest.mark.parametrize("step", [1, 2])
def test_the_step_says_what_to_do_about_it(unreachable: Unreachable, step: int) -> None:
    words = unreachable.cards[step]
    assert "turn on the Messages tab" in words or "Ask an admin" in words


def test_once_the_direct_message_opens_a_retry_finishes_the_step(unreachable: Unreachable) -> None:
    assert unreachable.run.handed_passwords() == unreachable.run.passwords()


def test_a_requester_who_has_left_is_handed_nothing_and_an_approver_takes_over(opened: Run) -> None:
    opened.slack.orders.change("users/UOLIVIA", deleted=True)
    opened.priya.clicks(opened.card(2), "approve", confirmed=True)
    opened.wait_status(2, "needs attention")
    assert opened.changes_at_mailgun() == []
    opened.says(opened.priya, "take-over")
    opened.priya.clicks(opened.card(2), "retry")
    opened.wait_status(2, "done")
    assert {sent.channel for sent in handed_over(opened.slack)} == {"DPRIYA"}


def _characters(blocks: list[dict[str, object]]) -> int:
    """Every character of every text in the blocks."""
    if isinstance(blocks, list):
        return sum(_characters(one) for one in blocks)
    if isinstance(blocks, dict):
        return sum(len(v) if k == "text" and isinstance(v, str) else _characters(v) for k, v in blocks.items())
    return 0
