"""Each way in which a call may fail, sorted by whether it had its effect."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import requests

from mailgun.check import check_mailgun
from mailgun.client import MailgunClient
from mailgun.outcomes import DEFAULT_PAUSE, LONGEST_PAUSE, UNREACHABLE_PAUSE, from_response
from mailgun.transport import Transport
from recovery.account import KeyKind, KeySpec, Login
from recovery.errors import KeyRefused, Later, OutsideError, Refused, Uncertain, Why
from recovery.refusals import MEANS
from recovery.secret import Secret, new_password
from tests.mailgun.conftest import TIMEOUT, Keys, Practice
from tests.mailgun.scripted import Answer, Script, scripted

APP = Login("us", "mg.example.com", "app@mg.example.com")
PUT_PATH = "/v3/domains/mg.example.com/credentials/app@mg.example.com"
BOT = KeySpec(KeyKind.USER, "admin", "Bot")


@pytest.fixture
def script() -> Iterator[Script]:
    with scripted() as script:
        yield script


def failed(call: Callable[[], object]) -> OutsideError:
    with pytest.raises(OutsideError) as caught:
        call()
    return caught.value


def setting(practice: Practice) -> OutsideError:
    """What setting a password ends in."""
    return failed(lambda: practice.client.set_password(APP, new_password()))


# --- 429: certainly not, later ---


def test_a_429_with_a_time_is_later_by_that_time(mailgun: Practice) -> None:
    mailgun.fault("PUT", PUT_PATH, "429", seconds=7)
    error = setting(mailgun)
    assert isinstance(error, Later) and error.seconds == 7
    assert "set the password of app@mg.example.com" in str(error)
    assert mailgun.calls("PUT") == []


def test_a_429_without_a_time_is_later_by_the_default(mailgun: Practice) -> None:
    mailgun.fault("PUT", PUT_PATH, "429")
    error = setting(mailgun)
    assert isinstance(error, Later) and error.seconds == DEFAULT_PAUSE


def test_a_429_may_say_in_words_when_to_try_again(mailgun: Practice) -> None:
    mailgun.fault("GET", "/v1/keys", "429", message="Too many requests, try again after 12 seconds")
    error = failed(mailgun.client.keys)
    assert isinstance(error, Later) and error.seconds == 12


def test_a_429_may_name_a_date(script: Script) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    script.says(Answer(429, {"message": "slow down"}, {"Retry-After": date}))
    error = failed(script.client.keys)
    assert isinstance(error, Later) and error.seconds == pytest.approx(30, abs=3)


def test_the_date_of_a_429_is_by_the_servers_clock() -> None:
    response = requests.Response()
    response.status_code = 429
    response._content = b""
    response.headers["Date"] = "Mon, 02 Jan 2006 15:04:05 GMT"
    response.headers["Retry-After"] = "Mon, 02 Jan 2006 15:04:25 GMT"
    error = from_response("list the API keys", "GET", response, [])
    assert isinstance(error, Later) and error.seconds == 20


def test_no_429_puts_a_call_off_for_hours(script: Script) -> None:
    script.says(Answer(429, {"message": "slow down"}, {"Retry-After": "86400"}))
    error = failed(script.client.keys)
    assert isinstance(error, Later) and error.seconds == LONGEST_PAUSE


def test_a_429_of_a_get_is_not_retried_in_here(mailgun: Practice) -> None:
    mailgun.fault("GET", "/v1/keys", "429", seconds=1)
    failed(mailgun.client.keys)
    assert mailgun.calls("GET") == []


# --- Uncertain: it may have happened ---


@pytest.mark.parametrize("do", ["500", "drop", "garbage"])
@pytest.mark.parametrize(("when", "applied"), [("before", 0), ("after", 1)])
def test_a_put_without_its_answer_is_uncertain_and_not_repeated(
    mailgun: Practice, do: str, when: str, applied: int
) -> None:
    mailgun.fault("PUT", PUT_PATH, do, when=when)
    assert isinstance(setting(mailgun), Uncertain)
    assert len(mailgun.calls("PUT")) == applied


@pytest.mark.parametrize(("when", "applied"), [("before", 0), ("after", 1)])
def test_a_put_that_is_not_answered_in_time_is_uncertain(mailgun: Practice, when: str, applied: int) -> None:
    mailgun.fault("PUT", PUT_PATH, "hang", when=when, seconds=30)
    started = time.monotonic()
    error = setting(mailgun)
    assert isinstance(error, Uncertain) and f"did not answer within {TIMEOUT:g} seconds" in str(error)
    assert time.monotonic() - started < TIMEOUT + 1
    assert len(mailgun.calls("PUT")) == applied


def test_a_get_that_is_not_answered_in_time_takes_the_time_of_one_call(mailgun: Practice) -> None:
    mailgun.fault("GET", "/v1/keys", "hang", seconds=30, times=9)
    started = time.monotonic()
    assert isinstance(failed(mailgun.client.keys), Uncertain)
    assert time.monotonic() - started < TIMEOUT + 1


def test_a_new_key_whose_answer_is_lost_is_uncertain(mailgun: Practice) -> None:
    mailgun.fault("POST", "/v1/keys", "drop", when="after")
    assert isinstance(failed(lambda: mailgun.client.create_key(BOT)), Uncertain)
    assert len(mailgun.calls("POST")) == 1


def test_a_get_survives_one_broken_connection(mailgun: Practice) -> None:
    mailgun.fault("GET", "/v1/keys", "drop")
    assert len(mailgun.client.keys()) == 3


def test_a_get_does_not_survive_two(mailgun: Practice) -> None:
    mailgun.fault("GET", "/v1/keys", "drop", times=2)
    assert isinstance(failed(mailgun.client.keys), Uncertain)


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_get_survives_one_answer_of_a_gateway(script: Script, status: int) -> None:
    script.says(Answer(status, "Bad gateway"), Answer(200, {"items": [], "total_count": 0}))
    assert script.client.keys() == []
    assert len(script.requests) == 2


def test_a_get_does_not_survive_two_answers_of_a_gateway(script: Script) -> None:
    script.says(Answer(503, {"message": "back soon"}, {"Retry-After": "60"}))
    started = time.monotonic()
    error = failed(script.client.keys)
    assert isinstance(error, Uncertain) and "back soon" in str(error)
    assert len(script.requests) == 2
    assert time.monotonic() - started < TIMEOUT


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_what_is_no_get_is_never_retried(script: Script, status: int) -> None:
    script.says(Answer(status, "Bad gateway"))
    assert isinstance(failed(lambda: script.client.delete_key("1")), Uncertain)
    assert len(script.requests) == 1


@pytest.mark.parametrize(
    "body",
    [
        "deleted",
        [],
        {"message": "great success"},
        {"key": {"id": "1", "kind": "user", "role": "admin", "created_at": "2026-01-23T10:16:00"}},
        {"key": {"id": "1", "kind": "user", "role": "admin", "created_at": "soon", "secret": "s3cret"}},
    ],
)
def test_a_new_key_that_cannot_be_read_is_uncertain(script: Script, body: object) -> None:
    script.says(Answer(200, body))
    error = failed(lambda: script.client.create_key(BOT))
    assert isinstance(error, Uncertain) and "could not be understood" in str(error)
    assert "s3cret" not in str(error)


def test_a_redirect_is_not_followed(script: Script) -> None:
    script.says(Answer(302, {"message": "moved"}, {"Location": "/elsewhere"}))
    assert isinstance(failed(lambda: script.client.delete_key("1")), Uncertain)
    assert len(script.requests) == 1


# --- Never sent: certain ---


def unreachable(url: str) -> MailgunClient:
    return MailgunClient({"us": url}, Keys("key-1"), Transport(timeout=TIMEOUT, concurrency=1))


def test_a_refused_connection_is_certainly_no_call() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        # Bound, but nobody listens: connecting is refused.
        client = unreachable(f"http://127.0.0.1:{free.getsockname()[1]}")
        error = failed(lambda: client.set_password(APP, new_password()))
    assert isinstance(error, Later) and error.seconds == UNREACHABLE_PAUSE
    assert "could not be reached to set the password of app@mg.example.com" in str(error)


def test_an_unknown_host_is_certainly_no_call(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_found(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", not_found)
    error = failed(lambda: unreachable("http://mailgun.invalid").delete_key("1"))
    assert isinstance(error, Later) and "its name was not found" in str(error)


# --- Refused: certainly not, and not the next time either ---


def test_a_role_that_is_too_small_says_what_is_lacking(mailgun: Practice) -> None:
    answer = mailgun.server.order("POST", "/keys", role="basic", secret="key-of-a-reader").json()
    assert answer["role"] == "basic"
    mailgun.keys.key = "key-of-a-reader"
    error = setting(mailgun)
    assert isinstance(error, KeyRefused) and error.status == 403
    assert "no admin key" in str(error)


def test_a_403_may_be_a_plain_word(script: Script) -> None:
    script.says(Answer(403, "Forbidden"))
    error = failed(script.client.keys)
    assert isinstance(error, KeyRefused) and "list the API keys (403): Forbidden." in str(error)


@pytest.mark.parametrize("status", [401, 403])
def test_a_disabled_account_is_named_where_mailgun_names_it(script: Script, status: int) -> None:
    script.says(Answer(status, {"message": "Domain mg.example.com: account disabled"}))
    error = failed(script.client.keys)
    assert isinstance(error, KeyRefused) and str(error).endswith("The account is disabled.")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Answer(401, "Forbidden"), Why.REVOKED),
        (Answer(401, {"message": "Invalid private key"}), Why.REVOKED),
        (Answer(403, "Forbidden"), Why.NO_RIGHTS),
        (Answer(403, {"message": "Account is disabled"}), Why.DISABLED),
        (Answer(401, {"message": "Your account has been suspended"}), Why.DISABLED),
        (Answer(403, {"message": "IP address is not whitelisted"}), Why.ADDRESS),
        (Answer(401, {"message": "203.0.113.7 is missing from the IP allowlist"}), Why.ADDRESS),
    ],
)
def test_why_a_key_is_refused_is_told_apart_as_far_as_the_answer_allows(
    script: Script, answer: Answer, why: Why
) -> None:
    script.says(answer)
    error = failed(script.client.keys)
    assert isinstance(error, KeyRefused) and error.why is why
    assert str(error).endswith(MEANS[why])


def test_a_dead_key_and_a_missing_address_are_answered_alike_and_both_are_said(mailgun: Practice) -> None:
    mailgun.keys.key = "key-deleted"
    dead = str(setting(mailgun))
    assert "deleted or expired" in dead and "IP allowlist" in dead


def test_check_says_what_a_refused_key_means_and_what_to_do(mailgun: Practice) -> None:
    mailgun.keys.key = "key-deleted"
    key, *regions = [finding for finding in check_mailgun(mailgun.client) if "status page" not in finding.what]
    assert not key.fine and "deleted or expired" in key.found
    assert "python bot.py key" in key.advice and "IP allowlist" in key.advice
    assert [region.advice for region in regions] == [key.advice] * len(regions)


def test_a_key_is_tried_by_what_a_sending_key_may_not(mailgun: Practice) -> None:
    mailgun.server.order("POST", "/keys", role="admin", secret="key-of-an-admin")
    assert mailgun.client.keys_listed_by(Secret("key-of-an-admin"))
    sending = mailgun.server.order("POST", "/keys", kind="domain", domain_name="mg.example.com").json()
    with pytest.raises(KeyRefused):
        mailgun.client.keys_listed_by(Secret(sending["secret"]))


def test_the_domains_are_listed_with_the_key_that_is_tried(mailgun: Practice) -> None:
    mailgun.server.order("POST", "/keys", role="admin", secret="key-of-an-admin")
    listed = mailgun.client.domains("us")
    mailgun.keys.key = "key-deleted"
    assert mailgun.client.domains_listed_by(Secret("key-of-an-admin"), "us") == listed


def test_a_limit_that_is_not_the_key_limit_is_another_error(script: Script) -> None:
    script.says(Answer(403, {"message": "account limit reached"}))
    assert type(failed(lambda: script.client.set_password(APP, new_password()))) is KeyRefused


@pytest.mark.parametrize("status", [400, 405, 413, 422])
def test_other_refusals_are_refusals(script: Script, status: int) -> None:
    script.says(Answer(status, {"message": "no, thanks."}))
    error = failed(lambda: script.client.delete_key("1"))
    assert type(error) is Refused and error.status == status
    assert str(error) == f"Mailgun refused to delete the API key 1 ({status}): no, thanks."


# --- A refused key: it may have been rotated elsewhere ---


def test_a_rotated_key_is_read_again_and_the_call_repeated(mailgun: Practice) -> None:
    mailgun.keys.rotated, mailgun.keys.key = mailgun.keys.key, "key-deleted"
    password = new_password()
    mailgun.client.set_password(APP, password)
    assert mailgun.server.password(APP.login) == password.reveal()
    assert mailgun.keys.refreshes == 1


def test_a_key_whose_rights_were_too_small_may_have_been_replaced_elsewhere_too(mailgun: Practice) -> None:
    mailgun.server.order("POST", "/keys", role="basic", secret="key-of-a-reader").raise_for_status()
    mailgun.keys.rotated, mailgun.keys.key = mailgun.keys.key, "key-of-a-reader"
    mailgun.client.set_password(APP, new_password())
    assert (mailgun.keys.refreshes, len(mailgun.calls("PUT"))) == (1, 2)


def test_a_key_that_is_the_same_after_reading_it_again_is_refused(mailgun: Practice) -> None:
    mailgun.keys.key = "key-deleted"
    error = setting(mailgun)
    assert isinstance(error, KeyRefused) and error.status == 401
    assert (mailgun.keys.refreshes, len(mailgun.calls("PUT"))) == (1, 1)


def test_a_rotated_key_that_is_refused_too_is_not_read_a_third_time(mailgun: Practice) -> None:
    mailgun.keys.rotated, mailgun.keys.key = "key-deleted-too", "key-deleted"
    assert isinstance(setting(mailgun), KeyRefused)
    assert (mailgun.keys.refreshes, len(mailgun.calls("PUT"))) == (1, 2)


# --- Lists ---


def test_a_list_that_repeats_its_page_is_not_taken_for_whole(script: Script) -> None:
    user = {"email": "a@example.com"}
    script.says(Answer(200, {"users": [{"id": str(number), **user} for number in range(100)], "total": 200}))
    error = failed(script.client.users)
    assert isinstance(error, Uncertain) and "the same page twice" in str(error)


def test_a_short_page_is_not_the_last_where_the_total_says_more(script: Script) -> None:
    pages = [{"users": [{"id": str(number), "email": "a@example.com"}], "total": 3} for number in range(3)]
    script.says(*(Answer(200, page) for page in pages))
    assert [user.id for user in script.client.users()] == ["0", "1", "2"]


def test_what_moves_to_the_next_page_meanwhile_is_listed_once(script: Script) -> None:
    first = [{"id": str(number), "email": "a@example.com"} for number in range(100)]
    script.says(Answer(200, {"users": first}), Answer(200, {"users": [first[-1], {"id": "x", "email": "b@c"}]}))
    assert len(script.client.users()) == 101


# --- The status page ---


@pytest.mark.parametrize("answer", [Answer(500, "down"), Answer(200, "<html>"), Answer(200, {"status": {}})])
def test_a_status_page_that_cannot_be_read_says_nothing(
    script: Script, answer: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    script.says(answer)
    assert script.client.outage() is None
    assert "The status page could not be read" in caplog.text


def test_an_open_incident_is_an_outage_whatever_the_indicator_says(script: Script) -> None:
    incidents = [
        {"name": "Delayed events", "status": "investigating"},
        {"name": "Long ago", "status": "resolved"},
    ]
    status = {"indicator": "none", "description": "All Systems Operational"}
    script.says(Answer(200, {"status": status, "components": [], "incidents": incidents}))
    told = script.client.outage()
    assert told == "Mailgun's status page says: All Systems Operational. Open: Delayed events."


# --- Secrets ---


@pytest.mark.parametrize("do", ["429", "500", "drop", "garbage", "hang"])
def test_no_secret_is_in_an_error_or_a_log(mailgun: Practice, do: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    password = new_password()
    mailgun.fault("PUT", PUT_PATH, do, when="after")
    error = failed(lambda: mailgun.client.set_password(APP, password))
    assert "PUT /v3/domains/mg.example.com/credentials/app%40mg.example.com" in caplog.text
    for secret in (password.reveal(), mailgun.keys.key):
        assert secret not in caplog.text
        assert all(secret not in str(vars(record)) for record in caplog.records)
        assert secret not in str(error)
    # Neither a cause nor a context is there to print: `requests` keeps the request in its exceptions.
    assert (error.__cause__, error.__context__) == (None, None)


def test_mailguns_words_are_repeated_without_the_secrets_that_they_quote(script: Script) -> None:
    password = new_password()
    script.says(Answer(400, {"message": f"password {password.reveal()} of key-1\nis too\tplain " + "x" * 999}))
    error = failed(lambda: script.client.set_password(APP, password))
    assert "(400): password … of … is too plain xxx" in str(error)
    assert len(str(error)) < 400


def test_the_secret_of_a_new_key_is_not_logged(mailgun: Practice, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    made = mailgun.client.create_key(BOT)
    assert made.secret.reveal() not in caplog.text
    assert made.secret.reveal() not in repr(made)
    assert isinstance(made.secret, Secret)
