"""Few may touch: whose click is a private no, and from how fresh facts."""

from collections.abc import Callable, Iterator

import pytest

from tests.e2e.recovery_run import Run, recovery_run


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """An incident in a channel that also has a guest and somebody of another company in it."""
    with recovery_run(tmp_path_factory.mktemp("who-may")) as run:
        run.let_in("greta", "rita")
        run.open_incident()
        yield run


@pytest.mark.parametrize(
    ("who", "why"),
    [
        ("dana", "You are not among those who may decide here"),
        ("greta", "A guest cannot do this"),
        ("rita", "You belong to another workspace"),
    ],
    ids=["plain member", "guest", "member of another workspace"],
)
@pytest.mark.parametrize("button", ["approve", "skip by command", "cancel by command"])
def test_a_decision_of_somebody_who_may_not_is_a_private_no(opened: Run, who: str, why: str, button: str) -> None:
    before = opened.state()
    person = opened.person(who)
    if button == "approve":
        said = opened.clicked(person, opened.card(1), "approve")
    else:
        said = opened.says(person, "skip 1 because I say so" if button.startswith("skip") else "cancel it all")
    assert why in said
    assert "Nothing was changed" in said
    assert opened.state() == before


def test_a_private_no_is_seen_by_nobody_else(opened: Run) -> None:
    opened.clicked(opened.person("dana"), opened.card(1), "approve")
    assert "not among those" not in "\n".join(message.words for message in opened.slack.messages())


def test_who_was_deactivated_a_moment_ago_decides_nothing(begin_run: Callable[..., Run]) -> None:
    run = begin_run()
    run.open_incident()
    before = run.state()
    # Slack takes the click of an active person; by the time the bot may ask who she is, she has left.
    run.slack.orders.fault({"path": "users.info"}, "429", seconds=1)
    answered = run.answers_to(run.priya)
    run.priya.clicks(run.card(1), "approve", confirmed=True)
    run.slack.orders.change("users/UPRIYA", deleted=True)
    assert "active member" in run.answer_after(run.priya, answered)
    assert run.state() == before


def test_who_left_the_group_of_approvers_may_decide_no_longer_than_ten_seconds(begin_run: Callable[..., Run]) -> None:
    run = begin_run(APPROVERS="SSECOPS")
    sam = run.person("sam")
    run.open_incident(by=sam)
    assert "nothing was changed" in run.says(sam, "retry 1"), "Sam is an approver"
    run.slack.orders.change("usergroups/SSECOPS", users=["UPRIYA"])
    run.wait("the bot to know", lambda: "not among those" in run.says(sam, "retry 1"), seconds=11)
    before = run.state()
    assert "not among those" in run.clicked(sam, run.card(1), "approve")
    assert run.state() == before


def test_with_a_group_of_approvers_the_owner_of_the_workspace_is_none(begin_run: Callable[..., Run]) -> None:
    run = begin_run(APPROVERS="SSECOPS", STARTERS="UOLIVIA")
    run.open_incident()
    assert "not among those who may decide" in run.clicked(run.olivia, run.card(1), "approve")


def test_while_slack_cannot_be_asked_nothing_changes_and_the_person_is_told(begin_run: Callable[..., Run]) -> None:
    run = begin_run()
    run.open_incident()
    before = run.state()
    run.slack.workspace.app.scopes.remove("users:read")
    answered = run.answers_to(run.priya)
    run.priya.clicks(run.card(1), "approve", confirmed=True)
    assert "Slack could not be asked" in run.answer_after(run.priya, answered)
    assert run.state() == before
