"""The scan of the public repositories: asked for, done one after the other, shown, noted; never a secret."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from leaks.kingfisher import Kingfisher
from recovery.actions import Ask
from recovery.audit import Action
from recovery.leaks import MOST_KEPT
from recovery.scanning import SCAN, scan_of
from recovery.state import StepStatus, TaskStatus
from recovery.steps.note import MOST_FINDINGS_SHOWN
from tests.leaks.repositories import NEWER_ID, NEWER_KEY, OLDER_KEY, PASSWORD, first_commit, repository
from tests.recovery.builders import a_key
from tests.recovery.fakes import words
from tests.recovery.world import FIRST_KEY, STRANGER, World

SHOP, SITE = "https://github.com/acme/shop", "https://github.com/acme/site"


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return make_world(leak_scan=(SHOP, SITE)).with_logins().opened()


def scanned(world: World) -> World:
    world.press(Ask.SCAN, "6", scan=str(scan_of(world.state("6")).number))
    world.work()
    return world


def results(world: World) -> list[str]:
    return [entry.facts.result for entry in world.trail(Action.SCANNED)]


def everything_said(world: World) -> str:
    """All that was posted, answered, or written into the trail."""
    world.draw()
    said = [message.words for message in world.slack.messages] + [words(card) for _, card in world.slack.answers]
    return "\n".join([*said, *(str(entry.facts) for entry in world.trail())])


# --- Asking for it ----------------------------------------------------------------------------------------


def test_each_repository_is_scanned_once_after_an_approver_asked(world: World) -> None:
    scanned(world)

    assert world.leaks.scanned == [SHOP, SITE]
    assert [entry.facts.actor for entry in world.trail(Action.SCAN_ASKED)] == ["U-APP"]
    assert results(world) == ["2 repositories scanned, 0 findings"]


def test_it_can_be_typed(world: World) -> None:
    world.type("scan")
    world.work()

    assert world.leaks.scanned == [SHOP, SITE]


def test_nobody_but_an_approver_may_ask_for_it(world: World) -> None:
    world.press(Ask.SCAN, "6", by=STRANGER, scan="0")
    world.work()

    assert "Nothing was changed" in world.answer
    assert world.leaks.scanned == []


def test_nothing_is_scanned_before_somebody_asks(world: World) -> None:
    world.work()

    assert world.leaks.scanned == []
    assert "Scan:" not in world.card("6")


def test_a_second_click_starts_no_second_scan(world: World) -> None:
    world.press(Ask.SCAN, "6", scan="0")
    assert "already" in world.press(Ask.SCAN, "6", scan="0") and "U-APP" in world.answer
    world.work()

    assert "meanwhile" in world.press(Ask.SCAN, "6", scan="0")
    assert world.leaks.scanned == [SHOP, SITE]


def test_without_repositories_in_the_settings_there_is_no_button_and_a_word(make_world: Callable[..., World]) -> None:
    world = make_world().opened()

    assert "LEAK_SCAN" in world.type("scan")
    assert not [button for button in buttons(world) if button.action == Ask.SCAN]


def buttons(world: World) -> list[Any]:
    world.draw()
    ts = world.state("6").message_ts
    card = next(message.content for message in world.slack.messages if message.ts == ts)
    return list(card.buttons)


def test_it_reads_and_changes_no_step(world: World) -> None:
    scanned(world)

    assert world.status("6") is StepStatus.WAITING


# --- What is shown ----------------------------------------------------------------------------------------


def test_a_finding_is_told_with_its_place_and_without_the_secret(world: World) -> None:
    world.leaks.has(SHOP, PASSWORD, file="conf/mail.yml", author="Ann Lee", line=6)
    scanned(world)

    card = world.card("6")
    fingerprint = world.vault.fingerprint(world.leaks.holds[SHOP][0].secret)
    for told in (
        "SMTP password",
        SHOP,
        "conf/mail.yml",
        "line 6",
        "ed39c48ac88f",
        "2026-03-01",
        "Ann Lee",
        fingerprint,
    ):
        assert told in card
    (entry,) = world.trail(Action.LEAK_FOUND)
    assert fingerprint in entry.facts.subject and "conf/mail.yml" in entry.facts.result
    assert PASSWORD not in everything_said(world)


def test_the_card_says_how_far_it_is(world: World) -> None:
    cards = []
    world.leaks.meanwhile = lambda repository: cards.append(world.card("6"))
    scanned(world)

    assert "repository 1 of 2" in cards[0]
    assert "repository 2 of 2" in cards[1]
    assert "2 repositories scanned" in world.card("6")


def test_text_from_outside_is_told_as_plain_text_and_cut(world: World) -> None:
    world.leaks.has(SHOP, PASSWORD, file=f"a\nb/{PASSWORD}/{NEWER_KEY}.env", author="<!channel>" + "x" * 500)
    scanned(world)

    (finding,) = scan_of(world.state("6")).findings
    assert PASSWORD not in finding.file and NEWER_KEY not in finding.file and "\n" not in finding.file
    assert len(finding.author) == 80
    assert "<!channel>" in world.card("6")


def test_of_very_many_findings_all_are_counted_and_the_first_told(world: World) -> None:
    for number in range(MOST_KEPT + 20):
        world.leaks.has(SHOP, f"{PASSWORD}{number}", file=f"{number}.env")
    scanned(world)

    assert f"{MOST_KEPT + 20} findings" in world.card("6")
    assert f"and {MOST_KEPT + 20 - MOST_FINDINGS_SHOWN} more findings" in world.card("6")
    assert len(world.trail(Action.LEAK_FOUND)) == MOST_KEPT


def test_the_same_finding_is_told_in_the_trail_once_however_often_it_is_scanned(world: World) -> None:
    world.leaks.has(SHOP, PASSWORD)
    scanned(world)
    scanned(world)

    assert len(world.trail(Action.LEAK_FOUND)) == 1
    assert len(results(world)) == 2


# --- What cannot be read ----------------------------------------------------------------------------------


def test_what_could_not_be_read_is_said_and_retried_alone(world: World) -> None:
    world.leaks.unread[SITE] = "it could not be fetched."
    scanned(world)
    assert f"Could not be read: {SITE}: it could not be fetched." in world.card("6")
    assert "Retry what could not be read" in [button.label for button in buttons(world)]
    assert results(world) == ["1 repository scanned, 0 findings; 1 could not be read"]

    world.leaks.unread.clear()
    scanned(world)
    assert world.leaks.scanned == [SHOP, SITE]
    assert results(world)[-1] == "2 repositories scanned, 0 findings"
    assert "Could not be read" not in world.card("6")


def test_after_the_settings_were_corrected_all_of_them_are_scanned(make_world: Callable[..., World]) -> None:
    world = make_world(leak_scan=("https://github.com/acme/shopp", SITE)).opened()
    world.leaks.unread["https://github.com/acme/shopp"] = "it could not be fetched."
    scanned(world)
    world.start(leak_scan=(SHOP, SITE))
    assert "Scan again" in [button.label for button in buttons(world)]
    scanned(world)

    assert results(world)[-1] == "2 repositories scanned, 0 findings"
    assert "shopp" not in world.card("6")


def test_an_organisation_is_listed_and_each_of_its_repositories_scanned(make_world: Callable[..., World]) -> None:
    world = make_world(leak_scan=("github:acme", SITE)).opened()
    world.leaks.organisations["github:acme"] = [SHOP, SITE]
    scanned(world)

    assert sorted(world.leaks.scanned) == [SHOP, SITE]
    assert results(world) == ["2 repositories scanned, 0 findings"]


def test_an_organisation_that_could_not_be_listed_is_retried(make_world: Callable[..., World]) -> None:
    world = make_world(leak_scan=("github:acme",)).opened()
    world.leaks.organisations["github:acme"] = [SHOP]
    world.leaks.unread["github:acme"] = "GitHub could not be asked."
    scanned(world)
    assert "GitHub could not be asked." in world.card("6")

    world.leaks.unread.clear()
    scanned(world)
    assert world.leaks.scanned == [SHOP]


# --- The likely source ------------------------------------------------------------------------------------


def with_leaked_key(world: World) -> World:
    world.mailgun.has_key(a_key(NEWER_ID, description="billing"), NEWER_KEY)
    world.leaks.has(SHOP, NEWER_KEY)
    return world


def test_a_key_that_was_deleted_before_the_scan_is_the_likely_source(world: World) -> None:
    scanned(with_leaked_key(world).approved("1"))

    assert "Likely source: API key" in world.card("6") and "billing" in world.card("6")
    (entry,) = world.trail(Action.SOURCE_FOUND)
    assert NEWER_ID in entry.facts.subject and SHOP in entry.facts.result


def test_a_key_that_is_deleted_after_the_scan_becomes_the_likely_source(world: World) -> None:
    scanned(with_leaked_key(world))
    assert "Likely source" not in world.card("6")

    world.approved("1")
    assert "Likely source: API key" in world.card("6")
    assert len(world.trail(Action.SOURCE_FOUND)) == 1


def test_an_older_key_of_the_bots_own_is_known_by_its_keyed_hash(world: World) -> None:
    world.leaks.has(SHOP, FIRST_KEY)
    scanned(world)
    assert "Likely source" not in world.card("6") and "works with this key" in world.card("6")

    world.approved("1")
    assert "the key that the bot worked with before" in world.card("6")


def test_a_key_that_the_bot_had_in_an_earlier_incident_is_not_the_source_of_this_one(world: World) -> None:
    world.approved("1").vacated()
    world.type("sent 4711")
    world.work()
    world.opened()
    world.leaks.has(SHOP, FIRST_KEY)
    scanned(world.approved("1"))

    assert "1 finding" in world.card("6")
    assert "Likely source" not in world.card("6")


def test_an_older_key_of_somebody_elses_is_told_and_not_called_the_source(world: World) -> None:
    world.leaks.has(SHOP, OLDER_KEY)
    scanned(world.approved("1"))

    assert "API key" in world.card("6")
    assert "Likely source" not in world.card("6") and not world.trail(Action.SOURCE_FOUND)


def test_a_key_whose_id_only_begins_alike_is_not_the_source(world: World) -> None:
    world.mailgun.has_key(a_key("1a2b3c4d-5e6f7a8bff", description="billing"), "billing-secret")
    world.leaks.has(SHOP, NEWER_KEY)
    scanned(world.approved("1"))

    assert "Likely source" not in world.card("6")


# --- The note ---------------------------------------------------------------------------------------------


def test_the_scans_result_is_noted_with_the_persons_name(world: World) -> None:
    world.leaks.has(SHOP, PASSWORD)
    scanned(world)
    world.press(Ask.NOTE_SCAN, "6", scan="1")

    (entry,) = world.trail(Action.NOTED)
    assert (entry.facts.actor, entry.facts.result) == ("U-APP", "2 repositories scanned, 1 finding.")
    assert "2 repositories scanned, 1 finding" in world.card("6")


def test_noting_it_can_be_typed_and_with_hosting_the_step_is_done(world: World) -> None:
    scanned(world)
    world.type("note hosting they found nothing")
    world.type("scan note")

    assert world.status("6") is StepStatus.DONE


def test_a_result_is_noted_once_and_not_before_there_is_one(world: World) -> None:
    assert "no finished scan" in world.type("scan note")
    scanned(world)
    world.type("scan note")

    assert "already" in world.type("scan note")


def test_an_earlier_result_than_the_last_is_not_noted(world: World) -> None:
    scanned(scanned(world))

    assert "once more meanwhile" in world.press(Ask.NOTE_SCAN, "6", scan="1")
    assert not world.trail(Action.NOTED)


# --- Crashes, leaving, other processes --------------------------------------------------------------------


def test_a_scan_keeps_its_lease_for_as_long_as_it_takes(world: World) -> None:
    """Each look at whether to go on comes after half a lease here; without a hold, another would take it over."""
    renewed = []

    def long(repository: str) -> None:
        job_until = []
        for _ in range(10):
            world.clock.pass_by(world.policy.lease / 2)
            # What the scanner does at least once a second.
            alive()
            (task,) = world.tasks("6", TaskStatus.RUNNING, kind=SCAN)
            job_until.append(task.lease_until)
            assert world.claim(SCAN) is None
        renewed.append(job_until[0] < job_until[-1])

    def scan(repository: str, alive_now: Callable[[], None]) -> list[Any]:
        nonlocal alive
        alive = alive_now
        long(repository)
        return []

    alive: Callable[[], None]
    world.leaks.scan = scan  # type: ignore[method-assign]  # the test's own in its place
    scanned(world)

    assert renewed == [True, True]
    assert results(world) == ["2 repositories scanned, 0 findings"]


def test_a_scan_that_the_process_leaves_behind_goes_on_after_the_restart(world: World) -> None:
    world.leaks.has(SHOP, PASSWORD)
    world.leaks.meanwhile = lambda repository: world.stopping.set()
    world.press(Ask.SCAN, "6", scan="0")
    job = world.claim(SCAN)
    assert job is not None
    world.run(job)
    assert world.leaks.scanned == []
    (left,) = world.tasks("6", TaskStatus.READY, kind=SCAN)[:1]
    assert left.subject == SHOP

    world.stopping.clear()
    world.leaks.meanwhile = lambda repository: None
    world.start()
    world.work()
    assert world.leaks.scanned == [SHOP, SITE]
    assert len(world.trail(Action.LEAK_FOUND)) == 1


def test_of_two_processes_with_one_scan_the_later_one_is_recorded(world: World) -> None:
    world.leaks.has(SHOP, PASSWORD)

    def another_takes_over(repository: str) -> None:
        world.leaks.meanwhile = lambda repository: None
        world.clock.pass_by(world.policy.lease)
        world.work()

    world.leaks.meanwhile = another_takes_over
    scanned(world)

    assert len(world.trail(Action.LEAK_FOUND)) == 1
    assert results(world) == ["2 repositories scanned, 1 finding"]


def test_a_scan_of_an_incident_that_was_cancelled_is_not_begun(world: World) -> None:
    world.press(Ask.SCAN, "6", scan="0")
    world.type("cancel false alarm")
    world.work()

    assert world.leaks.scanned == []
    assert not world.trail(Action.SCANNED)


def test_after_a_defect_the_scan_can_be_asked_for_again(make_world: Callable[..., World], defects: list[str]) -> None:
    world = make_world(leak_scan=(SHOP,)).opened()

    def broken(repository: str) -> None:
        raise ZeroDivisionError

    world.leaks.meanwhile = broken
    world.press(Ask.SCAN, "6", scan="0")
    world.work(timedelta(hours=1))
    assert world.tasks("6", TaskStatus.FAILED, kind=SCAN)
    defects.clear()

    world.leaks.meanwhile = lambda repository: None
    scanned(world)
    assert results(world) == ["1 repository scanned, 0 findings"]
    assert not world.tasks("6", TaskStatus.FAILED, kind=SCAN)


# --- With Kingfisher itself -------------------------------------------------------------------------------


def test_no_secret_is_in_the_database_or_in_what_is_said(world: World, tmp_path: Path, database_file: Path) -> None:
    files = {".env": f"MAILGUN_API_KEY={NEWER_KEY}\n", "mail": f"smtp.mailgun.org\npassword={PASSWORD}\n"}
    shop = repository(tmp_path / "shop", files, deleted=True)
    clean = repository(tmp_path / "clean", {"README": "hello\n"})
    gone = tmp_path / "gone"
    world.mailgun.has_key(a_key(NEWER_ID, description="billing"), NEWER_KEY)
    world.leaks = Kingfisher(timedelta(minutes=1), parent=tmp_path)  # type: ignore[assignment]  # the real one in the place of the one in memory
    world.start(leak_scan=(str(shop), str(clean), str(gone)))
    world.approved("1")
    scanned(world)

    assert results(world) == ["2 repositories scanned, 2 findings; 1 could not be read"]
    assert "Likely source: API key" in world.card("6") and first_commit(shop)[:12] in world.card("6")
    written = b"".join(file.read_bytes() for file in database_file.parent.iterdir() if file.is_file())
    for secret in (NEWER_KEY, NEWER_KEY.partition("-")[0], PASSWORD):
        assert secret not in everything_said(world)
        assert secret.encode() not in written


# --- Support ----------------------------------------------------------------------------------------------


def test_support_is_told_where_it_leaked_and_that_it_is_closed(world: World) -> None:
    with_leaked_key(world).approved("1", "2")
    scanned(world)
    world.type("scan note")
    world.type("checked 1 none were open")
    world.type("note hosting Dana of the hosting provider found nothing")
    world.vacated()

    paste = world.state("5").facts["paste"]
    assert "2 repositories scanned, 1 finding" in paste
    assert f"{SHOP}, .env, line 1, commit ed39c48ac88f of 2026-03-01" in paste and "does not work any more" in paste
    assert ".env files" in paste
    assert "Dana" not in paste and "U-APP" not in paste and "Ann" not in paste
