"""It is not known whether it happened: what may be in vain is done again, and what may be known is void."""

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.e2e.handed_over import handed_over
from tests.e2e.recovery_run import Run, recovery_run


def puts(run: Run) -> Counter[str]:
    """How often each login was set."""
    return Counter(call["login"] for call in run.mailgun.calls() if call["method"] == "PUT")


UNCERTAIN = {"500": "app@mg.example.com", "garbage": "billing@mg.example.com", "drop": "alerts@eu.example.com"}
"""What becomes of a request that Mailgun or Slack did carry out, and the login that it happens to."""


@pytest.fixture(scope="module")
def uncertain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Step 2, in which Mailgun set three passwords without saying so."""
    with recovery_run(tmp_path_factory.mktemp("uncertain")) as run:
        run.open_incident()
        for do, login in UNCERTAIN.items():
            run.mailgun.orders.fault({"method": "PUT", "contains": login}, do, when="after")
        run.complete(2)
        yield run


@pytest.mark.parametrize("do", UNCERTAIN)
def test_a_password_whose_setting_is_not_certain_is_set_again_and_handed_over(uncertain: Run, do: str) -> None:
    assert puts(uncertain)[UNCERTAIN[do]] >= 2
    (at,) = [at for at in uncertain.passwords() if at[1] == UNCERTAIN[do]]
    assert uncertain.handed_passwords()[at] == uncertain.passwords()[at]


@pytest.mark.parametrize("do", UNCERTAIN)
def test_a_handover_that_may_have_arrived_is_void_and_its_secret_made_anew(uncertain: Run, do: str) -> None:
    login = UNCERTAIN[do]
    seen, messages = len(handed_over(uncertain.slack)), len(uncertain.olivia.inbox("handover"))
    uncertain.slack.orders.fault({"path": "chat.postMessage", "contains": "Save these now"}, do, when="after")
    uncertain.says(uncertain.olivia, f"reissue {login}")
    uncertain.wait("a second message", lambda: len(handed_over(uncertain.slack)) == seen + 2)
    void, sent = handed_over(uncertain.slack)[seen:]
    assert (void.label, sent.label) == (login, login)
    assert void.secret != sent.secret
    assert uncertain.passwords()[(sent.heading, login)] == sent.secret
    uncertain.wait("the stub", lambda: "made void" in uncertain.olivia.inbox("handover")[messages].words)


def test_three_uncertain_sends_end_in_needs_attention(opened: Run) -> None:
    opened.slack.orders.fault({"path": "chat.postMessage", "contains": "Save these now"}, "500", times=10_000)
    opened.approve(2)
    opened.wait_status(2, "needs attention", seconds=40)
    opened.slack.orders.clear("faults")
    opened.olivia.clicks(opened.card(2), "retry")
    opened.wait_status(2, "done")
    assert opened.handed_passwords() == opened.passwords()
