"""How the app is set up: the manifest, the loggers, and that building it calls nobody."""

import json
import logging
from datetime import UTC, datetime

import pytest

from drill.slack.workspaces import SCOPES as PRACTISED
from handlers import forms
from handlers.app import build_app
from handlers.clients import web_client, webhook_client
from handlers.errors import SlowDown, of_answer
from handlers.intake import Intake
from handlers.manifest import SCOPES, manifest
from handlers.views import submitted
from recovery.actions import OPENS_FORM, Ask
from recovery.errors import Gone, Later, Refused, TooLong, Uncertain, Unreachable
from recovery.state import NewRequest, Source


def test_the_manifest_asks_for_what_is_used_and_no_more() -> None:
    printed = json.loads(json.dumps(manifest()))

    assert set(printed["oauth_config"]["scopes"]["bot"]) == set(SCOPES) == PRACTISED
    assert printed["features"]["app_home"]["messages_tab_enabled"]
    assert not printed["features"]["app_home"]["home_tab_enabled"]
    assert printed["settings"]["socket_mode_enabled"]
    assert printed["settings"]["interactivity"]["is_enabled"]
    assert len(printed["display_information"]["description"]) <= 140


@pytest.mark.parametrize(
    "address", ["https://bot.example.com", "https://bot.example.com/", "https://bot.example.com/slack/events"]
)
def test_for_http_mode_the_manifest_says_where_the_bot_is(address: str) -> None:
    made = manifest(address)
    url = "https://bot.example.com/slack/events"

    assert [command["url"] for command in made["features"]["slash_commands"]] == [url]
    assert made["settings"]["interactivity"] == {"is_enabled": True, "request_url": url}
    assert made["settings"]["socket_mode_enabled"] is False
    assert made["oauth_config"] == manifest()["oauth_config"]


@pytest.mark.parametrize("address", ["http://bot.example.com", "bot.example.com", "https://", "https://x/?a=1"])
def test_an_address_that_slack_would_not_take_is_refused(address: str) -> None:
    with pytest.raises(Refused, match="https://"):
        manifest(address)


def test_building_the_app_needs_no_slack_and_warns_of_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-1")
    build_app("xoxb-1", Intake(lambda request: None, lambda: datetime.now(UTC), str), base_url="http://127.0.0.1:9/")

    assert caplog.records == []


def test_a_client_retries_nothing_and_minds_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    client = web_client("xoxb-1")

    assert client.retry_handlers == []
    assert client.proxy is None
    assert client.logger.level > logging.INFO


def test_all_clients_read_the_certificate_authorities_once() -> None:
    shared = web_client("xoxb-1").ssl

    assert shared is not None
    assert shared is web_client("xapp-1").ssl is webhook_client("https://hooks.slack.com/1", 3).ssl


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (200, "not_in_channel", Refused),
        (200, "a_code_nobody_knows", Refused),
        (200, "internal_error", Uncertain),
        (200, "fatal_error", Uncertain),
        (200, "service_unavailable", Uncertain),
        (200, "request_timeout", Uncertain),
        (503, "not_in_channel", Uncertain),
        (200, "Received a response in a non-JSON format: <html>", Uncertain),
        (200, "", Uncertain),
        (429, "", SlowDown),
        (200, "ratelimited", SlowDown),
        (200, "msg_blocks_too_long", TooLong),
        (200, "msg_too_long", TooLong),
        (200, "invalid_blocks", TooLong),
    ],
)
def test_answers_are_sorted_by_whether_it_happened(status: int, code: str, error: type[Exception]) -> None:
    assert type(of_answer("chat.postMessage", status, {}, {"ok": False, "error": code})) is error


@pytest.mark.parametrize(
    ("code", "in_a_direct_message", "elsewhere"),
    [
        ("user_disabled", Unreachable, Unreachable),
        ("user_not_found", Unreachable, Unreachable),
        ("user_not_visible", Unreachable, Unreachable),
        ("cannot_dm_bot", Unreachable, Unreachable),
        ("messages_tab_disabled", Refused, Refused),
        ("restricted_action", Unreachable, Refused),
        ("channel_not_found", Unreachable, Refused),
        ("not_in_channel", Unreachable, Refused),
        ("is_archived", Unreachable, Refused),
        ("is_inactive", Unreachable, Refused),
        ("invalid_user_combination", Unreachable, Refused),
        ("account_inactive", Refused, Refused),
        ("invalid_auth", Refused, Refused),
        ("not_authed", Refused, Refused),
        ("token_revoked", Refused, Refused),
        ("token_expired", Refused, Refused),
        ("missing_scope", Refused, Refused),
        ("not_allowed_token_type", Refused, Refused),
        ("ekm_access_denied", Refused, Refused),
        ("a_code_nobody_knows", Refused, Refused),
        ("message_not_found", Gone, Gone),
        ("msg_too_long", TooLong, TooLong),
        ("ratelimited", SlowDown, SlowDown),
        ("internal_error", Uncertain, Uncertain),
    ],
)
def test_a_refusal_is_about_one_person_only_where_it_says_so(
    code: str, in_a_direct_message: type[Exception], elsewhere: type[Exception]
) -> None:
    for is_direct, error in ((True, in_a_direct_message), (False, elsewhere)):
        found = of_answer("chat.postMessage", 200, {}, {"ok": False, "error": code}, is_direct=is_direct)
        assert type(found) is error
        assert getattr(found, "code", code) == code


def test_in_a_direct_message_nobody_is_told_to_invite_the_bot() -> None:
    answer = {"ok": False, "error": "channel_not_found"}
    assert "/invite" in str(of_answer("chat.postMessage", 200, {}, answer))
    assert "/invite" not in str(of_answer("chat.postMessage", 200, {}, answer, is_direct=True))


def test_retry_after_is_minded() -> None:
    later = of_answer("chat.postMessage", 429, {"retry-after": "12"}, None)
    assert isinstance(later, Later)
    assert later.seconds == 12


@pytest.mark.parametrize(
    ("action", "about"),
    [
        (Ask.SKIP, {}),
        (Ask.SENT, {}),
        (Ask.NOTE, {"topic": "hosting"}),
        (Ask.NOTE, {"topic": "repositories"}),
        (Ask.NOTE, {}),
        (Ask.STOP, {"person": "7"}),
        (Ask.CANNOT, {"person": "7", "chosen": "x"}),
        (Ask.GIVE_KEY, {"incident": "7"}),
    ],
)
def test_forms_keep_slacks_limits_and_come_back(action: Ask, about: dict[str, str]) -> None:
    request = NewRequest("1", Source.BUTTON, action, "U1", "T1", "C1", datetime.now(UTC), about=about)
    view = forms.form(request)
    origin = forms.origin(view)

    assert len(view["title"]["text"]) <= 24
    assert "…" not in view["title"]["text"]
    assert origin is not None
    assert (origin.action, origin.about, origin.channel_id) == (action, about, "C1")


def test_of_a_form_for_a_key_no_word_is_kept() -> None:
    request = NewRequest("1", Source.BUTTON, Ask.GIVE_KEY, "U1", "T1", "C1", datetime.now(UTC), about={"incident": "7"})
    entered = {"values": {forms.WORDS: {forms.WORDS: {"value": "key-0123456789abcdef0123456789abcdef"}}}}
    view = {**forms.form(request), "id": "V1", "state": entered}
    taken = submitted({"view": view, "user": {"id": "U1"}, "team": {"id": "T1"}}, datetime.now(UTC))

    assert (taken.action, taken.text, taken.secrets_cut) == (Ask.GIVE_KEY, "", False)
    assert "0123456789abcdef" not in repr(taken)


def test_every_ask_that_opens_a_form_has_a_question_of_its_own() -> None:
    questions = {ask: forms.question(ask, {}) for ask in OPENS_FORM}

    assert len(set(questions.values())) == len(OPENS_FORM)
    assert not [ask for ask, question in questions.items() if "!" in f"{question.title}{question.label}{question.hint}"]


def test_a_form_that_would_carry_too_much_is_not_made() -> None:
    about = {"long": "x" * 3000}
    request = NewRequest("1", Source.BUTTON, Ask.SKIP, "U1", "T1", "C1", datetime.now(UTC), about=about)
    with pytest.raises(forms.FormTooLarge):
        forms.form(request)


@pytest.mark.parametrize("metadata", ["", "[]", "{}", '{"action":"skip"}', '{"action":"skip","about":{"a":1}}'])
def test_a_form_with_other_metadata_is_not_ours(metadata: str) -> None:
    assert forms.origin({"private_metadata": metadata, "callback_id": "form:skip"}) is None
