"""Killed at the worst instants: a restart finishes the work, and nothing is sent twice or left behind.

The whole matrix of instants is `make crash`; here are those that each effect's rule is about.
"""

from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from drill.ordering import JsonObject
from tests.e2e.handed_over import handed_over, handover_posts
from tests.e2e.recovery_run import Run, recovery_run

MAILGUN, SLACK = "mailgun", "slack"
A_PASSWORD = {"method": "PUT", "contains": "app@mg.example.com"}
THE_HANDOVER = {"path": "chat.postMessage", "contains": "Save these now"}
A_NEW_KEY = {"method": "POST", "path": "*/v1/keys"}
A_DELETED_KEY = {"method": "DELETE", "path": "*/v1/keys/*"}
THE_PROOF = {"method": "GET", "path": "*/v4/domains"}

Instant = tuple[str, int, str, dict[str, str], int, str]

INSTANTS: dict[str, Instant] = {
    "before a password is set": (MAILGUN, 2, "before", A_PASSWORD, 1, "sqlite"),
    "after a password was set": (MAILGUN, 2, "after", A_PASSWORD, 1, "sqlite"),
    "before the handover is sent": (SLACK, 2, "before", THE_HANDOVER, 1, "sqlite"),
    "after the handover was sent": (SLACK, 2, "after", THE_HANDOVER, 1, "sqlite"),
    "after the handover was sent, on PostgreSQL": (SLACK, 2, "after", THE_HANDOVER, 1, "postgresql"),
    "after the bot's own key was made": (MAILGUN, 1, "after", A_NEW_KEY, 1, "sqlite"),
    "while the bot's own key is proven": (MAILGUN, 1, "after", THE_PROOF, 1, "sqlite"),
    "after a replacement was made": (MAILGUN, 1, "after", A_NEW_KEY, 2, "sqlite"),
    "after a replacement was made, on PostgreSQL": (MAILGUN, 1, "after", A_NEW_KEY, 2, "postgresql"),
    "after an old key was deleted": (MAILGUN, 1, "after", A_DELETED_KEY, 2, "sqlite"),
}


@pytest.mark.parametrize("instant", INSTANTS)
def test_a_bot_killed(begin_run: Callable[..., Run], instant: str) -> None:
    server, step, when, match, occurrence, kind = INSTANTS[instant]
    run = begin_run(kind=kind)
    old = run.keys()
    run.open_incident()
    run.dies_at(run.slack if server == SLACK else run.mailgun, when, match, occurrence)
    run.approve(step)
    run.wait_gone()
    run.restart()
    run.wait_status(step, "done")
    run.wait("no message to be in doubt", lambda: not run.rows("SELECT 1 FROM handovers WHERE status = 'sending'"))
    if step == 1:
        every_old_key_has_one_successor(run, old)
    else:
        assert run.handed_passwords() == run.passwords()
        assert len(run.passwords()) == 6
    nothing_was_sent_twice_or_left_readable(run)


def every_old_key_has_one_successor(run: Run, old: list[JsonObject]) -> None:
    """Nothing of before is left; beside one replacement for each there is the bot's own key, and no orphan."""
    now = run.keys()
    assert not {key["id"] for key in now} & {key["id"] for key in old}
    names = Counter(key["description"].partition(" [mc-")[0] for key in now)
    assert names == {"Backend": 1, "Shop": 1, "Mailgun recovery bot": 1}
    handed = {sent.secret for sent in handed_over(run.slack)}
    assert all(k["secret"] in handed for k in now if not k["description"].startswith("Mailgun recovery bot"))


def nothing_was_sent_twice_or_left_readable(run: Run) -> None:
    """No secret in two messages, none in the log or database; what is void stands in no message any more."""
    sent = handed_over(run.slack)
    assert set(Counter(one.secret for one in sent).values()) == {1}
    for secret in run.secrets() - {run.mailgun.admin_key}:
        assert secret not in run.log_text()
        assert secret not in run.database_dump()
    alive = set(run.passwords().values()) | {key["secret"] for key in run.keys()}
    void = [one.secret for one in sent if one.secret not in alive]
    run.wait(
        "void secrets to be wiped",
        lambda: not any(secret in str([m.blocks for m in run.olivia.inbox()]) for secret in void),
    )


@pytest.fixture(scope="module")
def rotated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Step 1 is done, so that the key in the environment is dead; the bot was killed."""
    with recovery_run(tmp_path_factory.mktemp("rotated")) as run:
        run.open_incident()
        run.complete(1)
        run.bot.kill()
        yield run


def keys_used_after_a_restart(run: Run, **changes: str) -> set[str]:
    """The ids of the keys that new passwords take, the bot having been started anew."""
    run.restart(**changes)
    seen, posts = len(run.mailgun.calls()), len(handover_posts(run.slack))
    if posts > 1:
        run.says(run.olivia, "reissue app@mg.example.com")
    else:
        run.approve(2)
    run.wait("another handover", lambda: len(handover_posts(run.slack)) > posts)
    run.wait("the step to be done", lambda: run.value("SELECT status FROM steps WHERE number = 2") == "done")
    used = {call["key_id"] for call in run.mailgun.calls()[seen:]}
    run.bot.kill()
    return used


def test_after_a_restart_it_works_with_its_own_key_though_the_old_one_is_in_the_environment(rotated: Run) -> None:
    assert rotated.bot.environ["MAILGUN_API_KEY"] == rotated.mailgun.admin_key
    (own,) = [key for key in rotated.keys("user") if key["description"].startswith("Mailgun recovery bot")]
    assert keys_used_after_a_restart(rotated) == {own["id"]}


def test_a_new_key_in_the_environment_that_does_not_work_takes_nobodys_place(rotated: Run) -> None:
    (own,) = [key for key in rotated.keys("user") if key["description"].startswith("Mailgun recovery bot")]
    wrong = "0123456789abcdef0123456789abcdef-01234567-89abcdef"
    assert keys_used_after_a_restart(rotated, MAILGUN_API_KEY=wrong) == {own["id"]}


def test_a_new_key_in_the_environment_that_works_takes_the_vaults_place(rotated: Run) -> None:
    fresh = rotated.mailgun.orders.give("keys", kind="user", role="admin", description="Fresh")
    assert keys_used_after_a_restart(rotated, MAILGUN_API_KEY=fresh["secret"]) == {fresh["id"]}


def test_the_thread_is_posted_once_though_the_bot_was_killed_while_it_posted(begin_run: Callable[..., Run]) -> None:
    run = begin_run()
    run.dies_at(run.slack, "after", {"path": "chat.postMessage"}, occurrence=3)
    run.olivia.types("/mailgun-compromised our key is out")
    run.wait_gone()
    run.restart()
    run.wait("the board and all the cards", run.thread_is_complete)
    assert len(run.slack.messages(kind="board")) == 1
    titles = Counter(card.title.partition(".")[0] for card in run.slack.messages(kind="step"))
    assert set(titles.values()) == {1}


def somebody_is_not_in_slack(run: Run) -> None:
    run.mailgun.orders.give("users", email="carl@contractor.example.net")
    run.approve(3)


def something_more_is_asked(run: Run) -> None:
    run.approve(3)
    run.everyone_is_asked(3)
    run.approve(4)


def somebody_cannot(run: Run) -> None:
    run.approve(3)
    run.everyone_is_asked(3)
    run.person("dana").types("/mailgun-compromised cannot I have no phone")


def somebody_does_not_react(run: Run) -> None:
    run.approve(3)


TO_PEOPLE: dict[str, tuple[str, str, Callable[[Run], None]]] = {
    "the list of those who cannot be reached": ("olivia", "_strays", somebody_is_not_in_slack),
    "a word about something more": ("dana", ":more-", something_more_is_asked),
    "what somebody said": ("olivia", "_notice", somebody_cannot),
    "the summary of the day": ("olivia", "_summary", somebody_does_not_react),
}
"""What `make crash` does without: whom it is sent to, what its metadata says, and what leads to it."""


@pytest.mark.parametrize("what", TO_PEOPLE)
def test_a_bot_killed_after_it_sent_it_does_not_send_it_again(begin_run: Callable[..., Run], what: str) -> None:
    name, mark, leads_to_it = TO_PEOPLE[what]
    run = begin_run(REMIND_EVERY="1s", ESCALATE_AFTER="1")
    run.open_incident()
    run.dies_at(run.slack, "after", {"path": "chat.postMessage", "contains": mark})
    leads_to_it(run)
    run.wait_gone()
    run.restart()
    run.wait(
        "it to be known as sent",
        lambda: (
            not run.rows(
                "SELECT 1 FROM tasks WHERE finished_at IS NULL"
                " AND kind IN ('people.strays', 'people.more', 'people.summary', 'requester.notice')"
            )
        ),
    )
    channel = run.slack.workspace.dm_with(run.person(name).id)
    sent = [str(m.metadata) for m in run.slack.workspace.messages(channel.id) if mark in str(m.metadata)]
    assert sent
    assert set(Counter(sent).values()) == {1}
