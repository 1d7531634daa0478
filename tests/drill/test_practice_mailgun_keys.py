"""API keys, the webhook signing key and the public key of the practice Mailgun."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from drill.mailgun.accounts import drill_account
from tests.drill.mailgun_client import Mailgun, running


@pytest.fixture
def mailgun() -> Iterator[Mailgun]:
    with running(drill_account()) as mailgun:
        yield mailgun


def test_keys_are_listed_without_secrets(mailgun: Mailgun) -> None:
    answer = mailgun.call("GET", "/v1/keys")
    assert (answer.json()["total_count"], len(answer.json()["items"])) == (9, 9)
    for key in mailgun.state()["keys"]:
        assert key["secret"] not in answer.text
    times = {item["created_at"] for item in answer.json()["items"]}
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", time) for time in times)


@pytest.mark.parametrize(("kind", "count"), [("user", 3), ("domain", 3), ("web", 3)])
def test_keys_are_listed_by_kind(mailgun: Mailgun, kind: str, count: int) -> None:
    items = mailgun.call("GET", f"/v1/keys?kind={kind}").json()["items"]
    assert [item["kind"] for item in items] == [kind] * count


def test_keys_are_listed_by_domain(mailgun: Mailgun) -> None:
    answer = mailgun.call("GET", "/v1/keys?domain_name=mg.example.com").json()
    assert [item["description"] for item in answer["items"]] == ["Shop checkout"]
    assert answer["total_count"] == 1


def test_an_unknown_kind_is_refused(mailgun: Mailgun) -> None:
    answer = mailgun.call("GET", "/v1/keys?kind=public")
    words = "expected `kind` param to be one of [domain user web] or absent"
    assert (answer.status_code, answer.json()) == (400, {"message": words})


def test_a_new_key_works_and_its_secret_ends_in_its_id(mailgun: Mailgun) -> None:
    fields = {"role": "admin", "description": "Bot", "user_name": "Bot", "email": "bot@example.com"}
    key = mailgun.call("POST", "/v1/keys", fields=fields).json()["key"]
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{8}", key["id"])
    assert re.fullmatch(r"[0-9a-f]{32}-" + key["id"], key["secret"])
    assert (key["kind"], key["role"], key["description"]) == ("user", "admin", "Bot")
    assert mailgun.call("GET", "/v1/keys", key=key["secret"], region="eu").status_code == 200


def test_a_new_sending_key_sends_for_its_domain(mailgun: Mailgun) -> None:
    mailgun.order("PATCH", "/account", disabled=False)
    fields = {"role": "sending", "kind": "domain", "domain_name": "mg.example.com"}
    secret = mailgun.call("POST", "/v1/keys", fields=fields).json()["key"]["secret"]
    message = {"from": "app@mg.example.com", "to": "a@example.org", "subject": "Hello", "text": "Hi"}
    sent = mailgun.call("POST", "/v3/mg.example.com/messages", key=secret, fields=message)
    assert (sent.status_code, sent.json()["message"]) == (200, "Queued. Thank you.")
    assert [message["subject"] for message in mailgun.state()["sent"]] == ["Hello"]


def test_a_disabled_domain_does_not_send(mailgun: Mailgun) -> None:
    message = {"from": "app@mg.example.com", "to": "a@example.org", "subject": "Hello", "text": "Hi"}
    sent = mailgun.call("POST", "/v3/mg.example.com/messages", fields=message)
    assert sent.status_code == 403
    assert "is not allowed to send" in sent.json()["message"]


@pytest.mark.parametrize("missing", ["from", "to", "subject", "text"])
def test_a_message_that_lacks_something_is_refused(mailgun: Mailgun, missing: str) -> None:
    message = {"from": "app@mg.example.com", "to": "a@example.org", "subject": "Hello", "text": "Hi"}
    del message[missing]
    assert mailgun.call("POST", "/v3/mg.example.com/messages", fields=message).status_code == 400


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"description": "Bot"}, "Parameter 'role' is missing"),
        ({"role": "admin", "descripton": "Bot"}, "Unknown parameter 'descripton'"),
        ({"role": "root"}, "expected `role` param to be one of"),
        ({"role": "admin", "kind": "public"}, "expected `kind` param to be one of"),
        ({"role": "sending", "kind": "domain"}, "expected `domain_name` param"),
        (
            {"role": "admin", "kind": "domain", "domain_name": "mg.example.com"},
            "the `sending` role goes with",
        ),
        ({"role": "sending"}, "the `sending` role goes with"),
        ({"role": "sending", "kind": "domain", "domain_name": "none.example.com"}, "no domain matching"),
        ({"role": "admin", "domain_name": "mg.example.com"}, "`domain_name` param goes with"),
        ({"role": "admin", "kind": "web"}, "expected `user_id` param"),
        ({"role": "admin", "expiration": "0"}, "expected `expiration` param"),
        ({"role": "admin", "expiration": "soon"}, "expected `expiration` param"),
    ],
)
def test_a_key_that_cannot_be_is_refused_in_words(mailgun: Mailgun, fields: dict[str, str], words: str) -> None:
    answer = mailgun.call("POST", "/v1/keys", fields=fields)
    assert answer.status_code == 400
    assert words in answer.json()["message"]
    assert mailgun.call("GET", "/v1/keys").json()["total_count"] == 9


def test_the_key_limit_counts_all_but_sessions(mailgun: Mailgun) -> None:
    mailgun.order("PATCH", "/account", key_limit=7)
    assert mailgun.call("POST", "/v1/keys", fields={"role": "admin"}).status_code == 200
    answer = mailgun.call("POST", "/v1/keys", fields={"role": "admin"})
    words = "could not create key, account limit reached"
    assert (answer.status_code, answer.json()) == (403, {"message": words})


def test_a_deleted_key_makes_room_at_the_limit(mailgun: Mailgun) -> None:
    mailgun.order("PATCH", "/account", key_limit=6)
    assert mailgun.call("POST", "/v1/keys", fields={"role": "admin"}).status_code == 403
    mailgun.call("DELETE", f"/v1/keys/{mailgun.key_of(description='Dashboard')['id']}")
    assert mailgun.call("POST", "/v1/keys", fields={"role": "admin"}).status_code == 200


def test_a_limit_can_be_lifted(mailgun: Mailgun) -> None:
    mailgun.order("PATCH", "/account", key_limit=1)
    mailgun.order("PATCH", "/account", key_limit=None)
    assert mailgun.call("POST", "/v1/keys", fields={"role": "admin"}).status_code == 200


def test_a_deleted_key_is_listed_no_more_and_kept_in_the_state(mailgun: Mailgun) -> None:
    staging = mailgun.key_of(description="Staging")
    assert mailgun.call("DELETE", f"/v1/keys/{staging['id']}").json() == {"message": "key deleted"}
    assert staging["id"] not in mailgun.call("GET", "/v1/keys").text
    kept = mailgun.key_of(description="Staging")
    assert (kept["deleted"], kept["secret"]) == (True, staging["secret"])
    assert kept["deleted_by"] == mailgun.key_of(description="Production backend")["id"]
    again = mailgun.call("DELETE", f"/v1/keys/{staging['id']}")
    assert (again.status_code, again.json()) == (404, {"message": "no key matching id"})


def test_the_signing_key_is_read_and_made_anew(mailgun: Mailgun) -> None:
    path = "/v5/accounts/http_signing_key"
    old = mailgun.call("GET", path).json()["http_signing_key"]
    new = mailgun.call("POST", path).json()["http_signing_key"]
    assert old != new
    assert mailgun.call("GET", path).json() == {"http_signing_key": new}


def test_the_public_key_is_made_anew(mailgun: Mailgun) -> None:
    old = mailgun.state()["account"]["public_key"]
    new = mailgun.call("POST", "/v1/keys/public").json()["key"]
    assert new.startswith("pubkey-")
    assert mailgun.state()["account"]["public_key"] == new != old
