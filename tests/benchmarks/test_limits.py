"""How often Slack had to refuse, counted from its log."""

import pytest

from benchmarks.limits import most_in_a_minute, refusals
from drill.actors import Slack
from tests.drill.practice_slack import practice_slack, refused


@pytest.mark.parametrize(
    ("moments", "most"),
    [
        ([0], 1),
        ([0, 60], 1),
        ([0, 59.9], 2),
        ([0, 59.9, 60], 2),
        ([0, 40, 61, 90], 3),
        ([61, 0, 90, 40], 3),
    ],
)
def test_what_counts_is_the_worst_minute(moments: list[float], most: int) -> None:
    assert most_in_a_minute({"chat.update": moments}) == {"chat.update": most}


def test_each_method_that_was_refused_is_counted_by_itself() -> None:
    with practice_slack(tiers=True, burst=1, message_rate=1.0) as practice:
        practice.post()
        for _ in range(2):
            refused(practice.post)
        for _ in range(20):
            practice.client.users_list(limit=1)
        refused(practice.client.users_list)
        practice.client.users_info(user="USAM")
        assert refusals(Slack(practice.url, practice.workspace)) == {"chat.postMessage": 2, "users.list": 1}


def test_other_refusals_do_not_count() -> None:
    with practice_slack() as practice:
        refused(practice.client.users_info, user="UNOBODY")
        assert refusals(Slack(practice.url, practice.workspace)) == {}
