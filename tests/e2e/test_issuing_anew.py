"""What was handed over can be issued anew: one login, a domain's, a key."""

import json
from collections.abc import Iterator

import pytest

from tests.e2e.handed_over import accepted, handed_over, handover_posts
from tests.e2e.recovery_run import Run, recovery_run


@pytest.fixture(scope="module")
def handed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Step 2 is done and nothing was saved yet; each test here issues something anew, or fails to."""
    with recovery_run(tmp_path_factory.mktemp("handed")) as run:
        run.open_incident()
        run.complete(2)
        run.wait("the button", lambda: run.olivia.inbox("handover_controls"))
        yield run


def reissued(run: Run, what: str) -> set[tuple[str, str]]:
    """The logins whose password is another one after Olivia had this issued anew."""
    before, posts = run.passwords(), len(handover_posts(run.slack))
    run.says(run.olivia, f"reissue {what}")
    run.wait("another handover", lambda: len(handover_posts(run.slack)) > posts)
    run.wait("the step to be done again", lambda: run.value("SELECT status FROM steps WHERE number = 2") == "done")
    assert run.handed_passwords() == run.passwords()
    return {login for login, password in run.passwords().items() if before[login] != password}


def test_the_button_stands_in_a_message_of_its_own(handed: Run) -> None:
    controls, handover = handed.olivia.inbox("handover_controls")[0], handed.olivia.inbox("handover")[0]
    assert not handover.buttons
    assert controls.button("Saved, wipe it")
    assert not [sent for sent in handed_over(handed.slack) if sent.secret in json.dumps(controls.blocks)]


def test_secrets_stand_in_preformatted_text_and_nowhere_else(handed: Run) -> None:
    bodies = [json.dumps(call["body"]) for call in accepted(handed.slack)]
    for sent in handed_over(handed.slack):
        assert sum(body.count(sent.secret) for body in bodies) == 1


def test_who_is_neither_requester_nor_approver_reissues_nothing(handed: Run) -> None:
    before = handed.state()
    assert "not among those" in handed.says(handed.person("dana"), "reissue all")
    assert handed.state() == before


def test_one_login_can_be_issued_anew(handed: Run) -> None:
    assert reissued(handed, "app@mg.example.com") == {("mg.example.com (US)", "app@mg.example.com")}


def test_a_domains_logins_can_be_issued_anew(handed: Run) -> None:
    changed = reissued(handed, "eu.example.com")
    assert {heading for heading, _ in changed} == {"eu.example.com (EU)"}
    assert len(changed) == 3


def test_a_key_that_nobody_saved_can_be_issued_anew(opened: Run) -> None:
    opened.complete(1)
    before = {key["id"] for key in opened.keys("user", "domain")}
    opened.says(opened.olivia, "reissue all")
    opened.wait("each handover to be issued anew", lambda: len(handover_posts(opened.slack)) == 4)
    after = opened.wait("the keys of before to go", lambda: len(now := opened.keys("user", "domain")) == 3 and now)
    assert len({key["id"] for key in after} - before) == 2
    secrets = {sent.secret for sent in handed_over(opened.slack)}
    assert all(k["secret"] in secrets for k in after if not k["description"].startswith("Mailgun recovery bot"))
