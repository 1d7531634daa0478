"""Step 1 against the practice Mailgun, of an account with a subaccount: each call is on behalf of whose key it is."""

from collections.abc import Callable

from drill.mailgun.accounts import small_account, with_subaccount
from drill.mailgun.model import Key, KeyKind, KeyRole, new_key_id, new_secret
from drill.mailgun.times import utc_now
from drill.ordering import JsonObject
from tests.e2e.handed_over import handed_over
from tests.e2e.recovery_run import Run


def shape(key: JsonObject) -> tuple[str, str, str, str | None]:
    return key["kind"], key["role"], key["description"].partition(" [mc-")[0], key["subaccount_id"]


def test_each_key_of_a_subaccount_gets_one_replacement_there(begin_run: Callable[..., Run]) -> None:
    prepared = small_account()
    shop = with_subaccount(prepared, "Shop", "shop.example.com")
    key_id = new_key_id()
    orders = Key(key_id, new_secret(key_id), KeyKind.USER, KeyRole.DEVELOPER, "Orders", created_at=utc_now())
    shop.estate.keys.append(orders)
    run = begin_run(prepared=prepared)
    before = run.keys("user", "domain")
    run.open_incident()
    assert "and 1 account key and 1 sending key of 1 subaccount" in run.card(1).words

    run.complete(1)

    after = run.keys("user", "domain")
    own = ("user", "admin", "Mailgun recovery bot", None)
    assert sorted(map(str, map(shape, after))) == sorted(map(str, [*map(shape, before), own]))
    assert not {key["id"] for key in before} & {key["id"] for key in after}
    handed = {sent.secret: sent.heading for sent in handed_over(run.slack)}
    theirs = [key for key in after if key["subaccount_id"] == shop.id]
    assert sorted(handed[key["secret"]] for key in theirs) == [
        "Account keys (subaccount Shop)",
        "Sending keys of shop.example.com (subaccount Shop)",
    ]
    assert [call for call in run.mailgun.calls() if call["status"] >= 400] == []
