"""What a typed command means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recovery.actions import Ask
from recovery.commands import COMMANDS, parse, usage_lines
from recovery.steps import STEPS
from recovery.typed import Typed, Unclear


@pytest.mark.parametrize("text", ["", "   ", "\n"])
def test_nothing_typed_opens_an_incident(text: str) -> None:
    assert parse(text) == Typed(Ask.OPEN)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("status", Typed(Ask.STATUS)),
        ("help", Typed(Ask.HELP)),
        ("open spam from mg.acme.example", Typed(Ask.OPEN, text="spam from mg.acme.example")),
        ("open status", Typed(Ask.OPEN, text="status")),
        ("approve 1", Typed(Ask.APPROVE, {"step": "api_keys"})),
        ("approve 2 nobody else is awake", Typed(Ask.APPROVE, {"step": "smtp_credentials"}, "nobody else is awake")),
        ("skip 3 all sign in by SAML", Typed(Ask.SKIP, {"step": "passwords"}, "all sign in by SAML")),
        ("approve step 2", Typed(Ask.APPROVE, {"step": "smtp_credentials"})),
        ("skip Step 4 half of us sleep", Typed(Ask.SKIP, {"step": "two_factor"}, "half of us sleep")),
        ("retry 2", Typed(Ask.RETRY, {"step": "smtp_credentials"})),
        ("leave-out 1 sessions", Typed(Ask.LEAVE_OUT, {"step": "api_keys", "part": "sessions"})),
        ("include step 1 Sending-Keys", Typed(Ask.INCLUDE, {"step": "api_keys", "part": "Sending-Keys"})),
        ("make-room 5f2c-11", Typed(Ask.MAKE_ROOM, {"chosen": "5f2c-11"})),
        ("own-key 5f2c-11", Typed(Ask.OWN_KEY, {"chosen": "5f2c-11"})),
        ("reissue all", Typed(Ask.REISSUE, {"target": "all"})),
        ("reissue a@mg.acme.example", Typed(Ask.REISSUE, {"target": "a@mg.acme.example"})),
        ("saved 3", Typed(Ask.SAVED, {"number": "3"})),
        ("saved handover 3", Typed(Ask.SAVED, {"number": "3"})),
        ("saved all", Typed(Ask.SAVED, {"number": "all"})),
        ("take-over", Typed(Ask.TAKE_OVER)),
        ("take-over the requester is asleep", Typed(Ask.TAKE_OVER, text="the requester is asleep")),
        ("check", Typed(Ask.CHECK)),
        ("mine yes", Typed(Ask.MINE, {"answer": "yes"})),
        ("mine NO", Typed(Ask.MINE, {"answer": "no"})),
        ("people", Typed(Ask.PEOPLE)),
        ("confirm ann@acme.example 3", Typed(Ask.CONFIRM, {"email": "ann@acme.example", "step": "passwords"})),
        ("keep-reminding", Typed(Ask.KEEP_REMINDING)),
        ("note hosting nothing found", Typed(Ask.NOTE, {"topic": "hosting"}, "nothing found")),
        ("note Repositories: two keys", Typed(Ask.NOTE, {"topic": "repositories"}, "two keys")),
        ("scan", Typed(Ask.SCAN)),
        ("scan note", Typed(Ask.NOTE_SCAN)),
        ("checked 3", Typed(Ask.CHECKED, {"item": "3"})),
        ("checked 3. two keys, replaced", Typed(Ask.CHECKED, {"item": "3"}, "two keys, replaced")),
        ("export", Typed(Ask.EXPORT, {"form": "csv"})),
        ("export JSON", Typed(Ask.EXPORT, {"form": "json"})),
        ("sent 4711", Typed(Ask.SENT, text="4711")),
        ("cancel false alarm", Typed(Ask.CANCEL, text="false alarm")),
    ],
)
def test_each_command_is_understood(text: str, meant: Typed) -> None:
    assert parse(text) == meant


@pytest.mark.parametrize("text", ["Approve 1", "APPROVE 1", "approve: 1", "  approve   1  "])
def test_a_command_may_be_written_carelessly(text: str) -> None:
    assert parse(text) == Typed(Ask.APPROVE, {"step": "api_keys"})


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("1", "api_keys"),
        ("step2", "smtp_credentials"),
        ("smtp", "smtp_credentials"),
        ("2FA", "two_factor"),
        ("6", "note"),
    ],
)
def test_a_step_goes_by_its_number_or_its_name(word: str, kind: str) -> None:
    assert parse(f"retry {word}") == Typed(Ask.RETRY, {"step": kind})


def test_slack_may_have_made_a_link_of_the_address_to_confirm() -> None:
    assert parse("confirm <mailto:ann@acme.example|ann@acme.example> 4") == Typed(
        Ask.CONFIRM, {"email": "ann@acme.example", "step": "two_factor"}
    )


@pytest.mark.parametrize(
    "text",
    [
        "status please",
        "help me",
        "approve",
        "approve 9",
        "skip",
        "skip 1",
        "retry",
        "retry 1 now",
        "reissue",
        "reissue a b",
        "saved",
        "saved the first",
        "mine",
        "mine perhaps",
        "people all",
        "confirm",
        "confirm ann 3",
        "confirm ann@acme.example 1",
        "keep-reminding 4",
        "scan everything",
        "checked",
        "checked ² of them",
        "note",
        "note hosting",
        "note weather fine",
        "sent",
        "export pdf",
        "export csv json",
        "cancel",
    ],
)
def test_a_command_without_what_it_needs_is_asked_back_with_its_usage(text: str) -> None:
    command = text.split()[0]
    answer = parse(text)

    assert isinstance(answer, Unclear)
    assert command in answer.question


def test_a_step_that_is_almost_named_is_suggested() -> None:
    answer = parse("approve credental")

    assert isinstance(answer, Unclear)
    assert "credentials" in answer.question


@pytest.mark.parametrize("text", ["aprove 1", "aprove", "stauts", "skipp 2 why", "retyr 2", "reisue all", "cancle it"])
def test_a_near_miss_of_a_command_asks_back_and_opens_nothing(text: str) -> None:
    answer = parse(text)

    assert isinstance(answer, Unclear)
    assert "Did you mean" in answer.question
    assert "Nothing was done" in answer.question


@pytest.mark.parametrize(
    "text",
    [
        "aprove 2 we are ready now",
        "aproove 2 now please it is very urgent",
        "re issue all",
        "cancell this was only a test",
        "skipp 4 half of us sleep",
        "cancle this was only a test",
        "retyr 2 now that Mailgun works",
    ],
)
def test_a_surely_mistyped_command_asks_back_however_much_follows(text: str) -> None:
    answer = parse(text)

    assert isinstance(answer, Unclear)
    assert "Did you mean" in answer.question


@pytest.mark.parametrize(
    ("text", "command"), [("take over he is on a plane", "take-over"), ("keep reminding", "keep-reminding")]
)
def test_a_command_without_its_hyphen_asks_back(text: str, command: str) -> None:
    answer = parse(text)

    assert isinstance(answer, Unclear)
    assert f"Did you mean `{command}`" in answer.question


@given(st.from_regex(r"[a-zA-Z0-9]{1,30}", fullmatch=True).filter(lambda word: word.lower() not in COMMANDS))
def test_a_single_word_asks_back_and_opens_nothing(word: str) -> None:
    assert isinstance(parse(word), Unclear)


@pytest.mark.parametrize(
    "text",
    [
        "somebody sends spam through our account",
        "someone is sending spam in our name",
        "our account was hacked",
        "our account was hacked last night",
        "opened mails show spam from us",
        "not sure what happened but mail bounces",
        "taken over by spammers since noon",
        "statuses on the dashboard look wrong since noon",
        "customers get mail that we did not send",
    ],
)
def test_longer_text_is_the_description_of_what_happened(text: str) -> None:
    assert parse(text) == Typed(Ask.OPEN, text=text)


@pytest.mark.parametrize("text", ["people report spam", "check our bounces please", "help we were hacked"])
def test_a_description_that_begins_with_a_command_is_asked_about(text: str) -> None:
    answer = parse(text)

    assert isinstance(answer, Unclear)
    assert "put `open` before it" in answer.question


@given(st.text())
def test_whatever_is_typed_is_understood_or_asked_back(text: str) -> None:
    assert isinstance(parse(text), Typed | Unclear)


def test_help_lists_every_command() -> None:
    listed = " ".join(usage for usage, _ in usage_lines())

    assert all(command in listed for command in COMMANDS)


def test_confirm_offers_the_steps_that_ask_people_and_no_others() -> None:
    offered = COMMANDS["confirm"].usage.rpartition("<")[2].rstrip(">").split("|")

    assert offered == [str(step.number) for step in STEPS if step.asks_people]
    assert all(isinstance(parse(f"confirm ann@acme.example {number}"), Typed) for number in offered)


def test_keep_reminding_names_the_last_step_and_the_one_whose_reminders_go_on() -> None:
    last = next(step.number for step in STEPS if step.opens_last)
    reminded = next(step.number for step in STEPS if step.may_keep_reminding)

    assert COMMANDS["keep-reminding"].does == f"let step {last} open while the reminders of step {reminded} go on"


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.kind)
def test_no_name_means_two_steps(step: object) -> None:
    named = getattr(step, "names", ())
    others = [name for other in STEPS if other is not step for name in (*other.names, other.kind, str(other.number))]

    assert not set(named) & set(others)


def test_a_command_without_its_step_is_told_which_numbers_there_are() -> None:
    unclear = parse("skip")

    assert isinstance(unclear, Unclear) and "from 0 to 7" in unclear.question
