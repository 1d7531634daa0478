"""Where two persons are needed, who requested cannot decide alone without everyone seeing it."""

from collections.abc import Iterator

import pytest

from tests.e2e.recovery_run import Run, recovery_run


@pytest.fixture(scope="module")
def two_person(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """An incident of Olivia's, where two are needed."""
    with recovery_run(tmp_path_factory.mktemp("two-person"), TWO_PERSON="on") as run:
        run.open_incident()
        yield run


def test_with_two_persons_who_requested_cannot_approve_alone(two_person: Run) -> None:
    before = two_person.state()
    assert "may not approve" in two_person.clicked(two_person.olivia, two_person.card(1), "approve")
    assert two_person.state() == before
    two_person.approve(1, by=two_person.priya)
    two_person.wait_status(1, "done")


def test_breaking_the_glass_is_seen_by_everyone(two_person: Run) -> None:
    two_person.says(two_person.olivia, "approve 2 nobody else is awake")
    two_person.wait_status(2, "done")
    two_person.wait(
        "the trail to say so",
        lambda: any(
            "breaking the glass: nobody else is awake" in message.words
            for message in two_person.slack.messages(kind="audit")
        ),
    )
