"""The environment variables, one behaviour each."""

from __future__ import annotations

from datetime import time, timedelta

import pytest

from recovery.account import SignIn
from recovery.policy import ISOLATION_CHECKLIST, Policy
from recovery.secret import Secret
from settings import Settings, SettingsError, load_settings, settings_table

LEAST = {"SLACK_BOT_TOKEN": "xoxb-bot", "SLACK_APP_TOKEN": "xapp-app", "MAILGUN_API_KEY": "key-mailgun"}
FERNET = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
POSTGRES = {"DATABASE_URL": "postgres://bot:hunter2@db/bot", "ENCRYPTION_KEY": FERNET}


def loaded(**variables: str) -> Settings:
    return load_settings({**LEAST, **variables})


def value(name: str, text: str, **others: str) -> object:
    """What a variable comes to be when it is set to a text."""
    result: object = getattr(loaded(**{name: text}, **others), name)
    return result


def problems(**variables: str) -> list[str]:
    """The lines that say what is wrong."""
    with pytest.raises(SettingsError) as caught:
        loaded(**variables)
    return str(caught.value).splitlines()


def test_three_variables_are_enough() -> None:
    settings = loaded()
    assert settings.SLACK_BOT_TOKEN.reveal() == "xoxb-bot"
    assert settings.MAILGUN_REGIONS == ("us", "eu")
    assert settings.HTTP_TIMEOUT.total_seconds() == 8
    assert settings.DATABASE_URL.reveal() == "sqlite:///mailgun-compromised.db"


def test_everything_that_is_missing_or_malformed_is_named_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({"PORT": "http", "REMIND_EVERY": "often", "LEASE": "1s"})
    lines = str(caught.value).splitlines()
    assert [line.split()[0] for line in lines] == [
        "SLACK_BOT_TOKEN",
        "SLACK_APP_TOKEN",
        "MAILGUN_API_KEY",
        "REMIND_EVERY",
        "LEASE",
        "PORT",
    ]
    assert lines[3] == "REMIND_EVERY is no duration: put a number and s, m, h or d, such as 4h."


def test_a_variable_that_is_set_to_nothing_is_not_set() -> None:
    assert problems(MAILGUN_API_KEY=" ")[0].startswith("MAILGUN_API_KEY is missing: put a key")
    assert value("TICK", "") == timedelta(seconds=1)


def test_the_process_environment_is_not_read_behind_ones_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "99")
    assert loaded().PORT == 3000


def test_other_variables_are_not_minded() -> None:
    assert loaded(PATH="/bin") == loaded()


# --- Secrets ---


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SLACK_BOT_TOKEN", "xoxp-hunter2"),
        ("SLACK_APP_TOKEN", "xoxb-hunter2"),
        ("SLACK_SIGNING_SECRET", "hunter2 hunter2"),
        ("MAILGUN_API_KEY", "key-hunter2 # mine"),
        ("MAILGUN_API_KEY", "pubkey-hunter2"),
        ("DATABASE_URL", "mysql://bot:hunter2@db/bot"),
        ("DATABASE_URL", "postgresql://bot:p@ss:hunter2@db/bot"),
        ("DATABASE_URL", "sqlite://host/bot.db"),
        ("DATABASE_URL", "sqlite:///"),
        ("ENCRYPTION_KEY", "hunter2"),
    ],
)
def test_a_malformed_secret_is_named_and_not_shown(name: str, value: str) -> None:
    (line,) = problems(**{name: value})
    assert line.startswith(f"{name} ")
    assert "hunter2" not in line


def test_settings_do_not_show_their_secrets() -> None:
    settings = loaded(**POSTGRES, SLACK_SIGNING_SECRET="hunter2")
    for secret in ("hunter2", "xoxb-", "xapp-", "key-mailgun", FERNET):
        assert secret not in repr(settings)
        assert secret not in str(settings)


# --- Slack ---


def test_without_an_app_token_the_signing_secret_is_enough() -> None:
    settings = loaded(SLACK_APP_TOKEN="", SLACK_SIGNING_SECRET="hunter2")
    assert settings.SLACK_APP_TOKEN is None
    assert settings.SLACK_SIGNING_SECRET is not None


def test_with_neither_both_ways_are_named_in_one_line() -> None:
    (line,) = problems(SLACK_APP_TOKEN="")
    assert line.startswith("SLACK_APP_TOKEN is missing, and so is SLACK_SIGNING_SECRET.")
    assert "For HTTP mode put the signing secret" in line
    assert "for Socket Mode: put the token that starts with xapp-" in line


def test_a_malformed_signing_secret_is_all_that_is_wrong_without_an_app_token() -> None:
    (line,) = problems(SLACK_APP_TOKEN="", SLACK_SIGNING_SECRET="two words")
    assert line.startswith("SLACK_SIGNING_SECRET ")


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000/api", "http://127.0.0.1:8000/api/"])
def test_slacks_address_ends_with_a_slash(url: str) -> None:
    assert value("SLACK_API_URL", url) == "http://127.0.0.1:8000/api/"


def test_approvers_are_users_and_groups() -> None:
    assert value("APPROVERS", "U01, W02,S03") == {"U01", "W02", "S03"}


@pytest.mark.parametrize("member", ["olivia", "@olivia", "C01", "u01", "olivia@example.com"])
def test_approvers_are_nobody_else(member: str) -> None:
    (line,) = problems(APPROVERS=f"U01,{member}")
    assert line.startswith(f"APPROVERS has '{member}'")


def test_approvers_may_start_where_nobody_is_named() -> None:
    assert value("STARTERS", "", APPROVERS="U01") == {"U01"}
    assert value("STARTERS", "U02", APPROVERS="U01") == {"U02"}


def test_a_channel_is_named_by_its_id() -> None:
    assert value("RECOVERY_CHANNEL", "C01") == "C01"
    assert problems(AUDIT_CHANNEL="#audit")[0].startswith("AUDIT_CHANNEL is no channel's id: put")


@pytest.mark.parametrize(("text", "switched"), [("on", True), ("off", False), ("TRUE", True), ("0", False)])
def test_two_persons_are_on_or_off(text: str, switched: bool) -> None:
    assert value("TWO_PERSON", text) is switched


def test_two_persons_are_nothing_else() -> None:
    assert problems(TWO_PERSON="maybe") == ["TWO_PERSON is neither on nor off: put on or off."]


# --- Mailgun ---


def test_the_regions_have_their_addresses_in_order() -> None:
    settings = loaded(MAILGUN_REGIONS="eu,us", MAILGUN_EU_URL="http://127.0.0.1:8001/eu/")
    assert list(settings.MAILGUN_URLS.items()) == [
        ("eu", "http://127.0.0.1:8001/eu"),
        ("us", "https://api.mailgun.net"),
    ]


def test_a_region_may_be_left_out() -> None:
    assert list(loaded(MAILGUN_REGIONS="EU").MAILGUN_URLS) == ["eu"]


@pytest.mark.parametrize("regions", ["mars", "us,mars", ","])
def test_there_are_two_regions(regions: str) -> None:
    assert problems(MAILGUN_REGIONS=regions)[0].startswith("MAILGUN_REGIONS ")


def test_the_status_page_may_be_left_unasked() -> None:
    assert loaded(MAILGUN_STATUS_URL="").MAILGUN_STATUS_URL == ""
    assert loaded().MAILGUN_STATUS_URL.startswith("https://status.mailgun.com/")


@pytest.mark.parametrize(
    "url",
    ["api.mailgun.net", "ftp://api.mailgun.net", "https://", "https://api:key@api.mailgun.net", "http://[x"],
)
def test_an_address_is_an_address(url: str) -> None:
    assert problems(MAILGUN_US_URL=url)[0].startswith("MAILGUN_US_URL ")


def test_keys_are_not_sent_in_the_clear() -> None:
    assert "in the clear" in problems(MAILGUN_US_URL="http://api.mailgun.net")[0]


def test_the_hosts_that_keep_queued_mail_are_those_of_mailguns_description_unless_others_are_set() -> None:
    assert loaded().MAILGUN_STORAGE_URLS == {
        "us": ("https://storage-us-east4.api.mailgun.net", "https://storage-us-west1.api.mailgun.net"),
        "eu": ("https://storage-europe-west1.api.mailgun.net",),
    }
    one = "http://127.0.0.1:8025/storage"
    assert loaded(MAILGUN_EU_STORAGE_URLS=f" {one}/ , {one}").MAILGUN_STORAGE_URLS["eu"] == (one,)
    assert set(loaded(MAILGUN_REGIONS="eu").MAILGUN_STORAGE_URLS) == {"eu"}


@pytest.mark.parametrize("urls", [",", "storage.example", "https://a.example,http://b.example"])
def test_hosts_that_keep_queued_mail_are_addresses_that_keys_may_be_sent_to(urls: str) -> None:
    assert problems(MAILGUN_US_STORAGE_URLS=urls)[0].startswith("MAILGUN_US_STORAGE_URLS ")


@pytest.mark.parametrize("text", ["heroku", "Heroku", " HEROKU "])
def test_the_account_may_be_bought_through_somebody(text: str) -> None:
    assert value("MAILGUN_VIA", text) is SignIn.HEROKU
    assert value("MAILGUN_VIA", "rackspace") is SignIn.RACKSPACE


@pytest.mark.parametrize("text", ["", " "])
def test_otherwise_it_was_bought_from_mailgun(text: str) -> None:
    assert value("MAILGUN_VIA", text) is None
    assert loaded().MAILGUN_VIA is None


@pytest.mark.parametrize("text", ["sinch", "password", "heroku,rackspace", "mailgun"])
def test_nobody_else_sells_it(text: str) -> None:
    (line,) = problems(MAILGUN_VIA=text)
    assert line.startswith("MAILGUN_VIA is neither heroku nor rackspace: put heroku or rackspace, or nothing if")


# --- The people ---


@pytest.mark.parametrize(
    ("text", "domains"),
    [
        ("", {}),
        (",", {}),
        ("old.example=new.example", {"old.example": "new.example"}),
        (
            " Old.Example = NEW.example ,, a-b.example=c.example,",
            {"old.example": "new.example", "a-b.example": "c.example"},
        ),
        ("a.example=b.example,b.example=c.example", {"a.example": "b.example", "b.example": "c.example"}),
        ("a.example=c.example,b.example=c.example", {"a.example": "c.example", "b.example": "c.example"}),
    ],
)
def test_domains_that_are_others_in_slack(text: str, domains: dict[str, str]) -> None:
    assert value("EMAIL_DOMAINS", text) == domains


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("old.example", "has 'old.example', which lacks the domain that takes its place"),
        ("a.example=b.example,old.example=", "has 'old.example=', which lacks the domain that takes its place"),
        ("=new.example", "has '=new.example', in which '' is no domain"),
        ("old.example=new", "has 'old.example=new', in which 'new' is no domain"),
        ("old example=new.example", "has 'old example=new.example', in which 'old example' is no domain"),
        (
            "a.example=b.example=c.example",
            "has 'a.example=b.example=c.example', in which 'b.example=c.example' is no domain",
        ),
        ("@old.example=new.example", "has '@old.example=new.example': a domain is what follows the @ of an address"),
        ("a.example=dana@b.example", "has 'a.example=dana@b.example': a domain is what follows the @ of an address"),
        ("a.example=b.example,A.example=c.example", "maps 'a.example' twice"),
        ("a.example=A.example", "maps 'a.example' to itself"),
    ],
)
def test_what_are_no_domains(text: str, wrong: str) -> None:
    put = "put old=new, pairs separated by commas, such as old.example=new.example."
    assert problems(EMAIL_DOMAINS=text) == [f"EMAIL_DOMAINS {wrong}: {put}"]


def test_when_the_requester_hears_of_those_who_are_left() -> None:
    assert loaded().ESCALATE_AFTER == Policy().escalate_after == 3
    assert value("ESCALATE_AFTER", " 1 ") == 1


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "never", "1001"])
def test_it_is_not_before_the_first_reminder(text: str) -> None:
    (line,) = problems(ESCALATE_AFTER=text)
    assert line == "ESCALATE_AFTER is no whole number from 1 to 1000: put a number from 1 to 1000."


def test_what_is_wrong_about_people_is_named_with_the_rest() -> None:
    lines = problems(MAILGUN_VIA="ebay", EMAIL_DOMAINS="old.example", ESCALATE_AFTER="0", PORT="http")
    assert [line.split()[0] for line in lines] == ["MAILGUN_VIA", "EMAIL_DOMAINS", "ESCALATE_AFTER", "PORT"]


# --- The database ---


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_postgresql_is_reached_through_psycopg(scheme: str) -> None:
    settings = loaded(DATABASE_URL=f"{scheme}://bot@db/bot?sslmode=require", ENCRYPTION_KEY=FERNET)
    assert settings.DATABASE_URL.reveal() == "postgresql+psycopg://bot@db/bot?sslmode=require"


def test_postgresql_needs_an_encryption_key() -> None:
    assert problems(DATABASE_URL="postgres://db/bot")[0].startswith("ENCRYPTION_KEY is missing")


def test_the_first_of_several_encryption_keys_stays_the_first() -> None:
    other = FERNET.replace("A", "B")
    assert value("ENCRYPTION_KEY", f"{other},{FERNET}") == (Secret(other), Secret(FERNET))


def test_sqlite_is_refused_where_the_disk_is_thrown_away() -> None:
    assert problems(DYNO="worker.1")[0].startswith("DATABASE_URL is SQLite, on a disk that is thrown away")
    assert loaded(DYNO="worker.1", **POSTGRES).DYNO == "worker.1"


# --- Times ---


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("4h", 14400), ("2s", 2), ("90m", 5400), ("1d", 86400), ("0.5s", 0.5), ("2 H", 7200)],
)
def test_a_duration(text: str, seconds: float) -> None:
    assert value("REMIND_EVERY", text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["4", "h", "-1s", "1w", "1h30m", "1e3s", "9" * 30 + "d", "0s"])
def test_what_is_no_duration(text: str) -> None:
    assert problems(REMIND_EVERY=text)[0].startswith("REMIND_EVERY ")


def test_tests_need_not_wait_for_slack() -> None:
    settings = loaded(SETTLE="0s", SLACK_PACE="0s")
    assert settings.SETTLE == settings.SLACK_PACE == timedelta(0)


def test_the_hours_of_reminders() -> None:
    assert value("REMIND_BETWEEN", "09:00-18:00") == (time(9), time(18))
    assert value("REMIND_BETWEEN", "00:00-24:00") == (time.min, time.max)


@pytest.mark.parametrize("text", ["9-18", "09:00", "18:00-09:00", "25:00-26:00", "09:00-09:00", "24:00-24:00"])
def test_what_are_no_hours(text: str) -> None:
    assert problems(REMIND_BETWEEN=text)[0].startswith("REMIND_BETWEEN ")


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("mon-fri", {0, 1, 2, 3, 4}),
        ("mon,wed,fri", {0, 2, 4}),
        ("Mon-Sun", set(range(7))),
        ("sat-mon, wed", {5, 6, 0, 2}),
        ("sun", {6}),
    ],
)
def test_the_days_of_reminders(text: str, days: set[int]) -> None:
    assert value("REMIND_DAYS", text) == days


@pytest.mark.parametrize("text", ["monday", "mon-", "-fri", "mon-fri-sun", "1-5", ","])
def test_what_are_no_days(text: str) -> None:
    assert problems(REMIND_DAYS=text)[0].startswith("REMIND_DAYS ")


def test_a_lease_outlasts_a_call_by_five_seconds() -> None:
    assert value("LEASE", "7s", HTTP_TIMEOUT="2s") == timedelta(seconds=7)
    line = "LEASE is under 7s, which is HTTP_TIMEOUT and 5 seconds: put a number and s, m, h or d, such as 30s."
    assert problems(HTTP_TIMEOUT="2s", LEASE="6.9s") == [line]


# --- Step 6 ---


def test_what_to_scan() -> None:
    assert loaded().LEAK_SCAN == ()
    named = "https://github.com/acme/shop, github:acme,/srv/shop ,git://git.example/a.git,http://127.0.0.1:8000/a.git"
    assert value("LEAK_SCAN", named) == (
        "https://github.com/acme/shop",
        "github:acme",
        "/srv/shop",
        "git://git.example/a.git",
        "http://127.0.0.1:8000/a.git",
    )


@pytest.mark.parametrize(
    "text",
    [
        "acme/shop",
        "github:",
        "github:acme/shop",
        "https://github.com",
        "http://git.example/shop.git",
        "--option",
        "../shop",
        "https://[::1/shop",
    ],
)
def test_what_cannot_be_scanned(text: str) -> None:
    assert problems(LEAK_SCAN=text)[0].startswith("LEAK_SCAN ")


def test_a_repository_with_a_token_in_its_address_is_refused_without_repeating_it() -> None:
    (problem,) = problems(LEAK_SCAN="github:acme,https://x:hunter2hunter2@github.com/acme/shop")
    assert "place 2" in problem
    assert "hunter2" not in problem


def test_the_checklist_has_defaults_and_may_be_empty() -> None:
    assert loaded().ISOLATION_CHECKLIST == ISOLATION_CHECKLIST
    assert value("ISOLATION_CHECKLIST", "Read the log ;  Call  Dana;") == ("Read the log", "Call Dana")
    assert value("ISOLATION_CHECKLIST", "") == ()


@pytest.mark.parametrize("text", [";".join(map(str, range(21))), "x" * 201])
def test_a_checklist_fits_into_a_message(text: str) -> None:
    assert problems(ISOLATION_CHECKLIST=text)[0].startswith("ISOLATION_CHECKLIST ")


# --- Numbers, and the rest ---


@pytest.mark.parametrize("text", ["0", "65", "-1", "1.5", "many", "²"])
def test_a_number_has_its_bounds(text: str) -> None:
    assert problems(MAILGUN_CONCURRENCY=text)[0].startswith("MAILGUN_CONCURRENCY is no whole number from 1")


def test_the_level_of_the_log() -> None:
    assert value("LOG_LEVEL", "debug") == "DEBUG"
    assert problems(LOG_LEVEL="loud") == ["LOG_LEVEL is no level of a log: put one of DEBUG, INFO, WARNING, ERROR."]


def test_the_table_tells_of_every_variable() -> None:
    table = {row.name: row for row in settings_table()}
    assert set(table) == set(Settings.model_fields)
    assert all(row.description for row in table.values())
    assert table["LEASE"].default == "30s"
    assert table["MAILGUN_API_KEY"].default == "required"
    assert table["APPROVERS"].default == "workspace owners and admins"
