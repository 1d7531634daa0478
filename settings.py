"""The settings: every environment variable that the bot reads, with what it means beside it.

`load_settings` is the only place that reads them. It names everything that is missing or malformed at once,
and never shows the value of a secret.
"""

from collections.abc import Callable, Mapping
from datetime import time, timedelta
from typing import Annotated, Any, NamedTuple

from pydantic import Field, PlainValidator, ValidationError, ValidationInfo, field_validator
from pydantic.config import JsonDict
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

import settings_values as values
from recovery.account import SignIn
from recovery.policy import ISOLATION_CHECKLIST, LEASE_MARGIN, Policy, ReminderHours
from recovery.secret import Secret


class SettingsError(Exception):
    """Some variables are missing or malformed. The text has one line for each, without secrets."""


class Row(NamedTuple):
    """One variable, for the table in the documentation."""

    name: str
    default: str
    description: str


def _read(parse: Callable[[str], object]) -> PlainValidator:
    """The way of a variable's text into its value. None is a variable that may be left out, and was."""
    return PlainValidator(lambda text: None if text is None else parse(text))


def _variable(default: str | None, description: str, put: str, shown: str | None = None) -> Any:
    """A variable that may be left out. `default` is a text like one that is set; `shown` tells it in words.

    `put` completes "put …", for whoever set it wrongly.
    """
    told: JsonDict = {"put": put, "default": shown if shown is not None else default or ""}
    return Field(default, description=description, json_schema_extra=told, validate_default=True)


def _required(description: str, put: str) -> Any:
    return Field(..., description=description, json_schema_extra={"put": put, "default": "required"})


_DURATION = "a number and s, m, h or d, such as {}"
_MEMBERS = "ids separated by commas, such as U0123ABCD,S0456EFGH"

Duration = Annotated[timedelta, _read(values.parse_span)]
DurationOrZero = Annotated[timedelta, _read(values.parse_duration)]
Url = Annotated[str, _read(values.parse_url)]
Urls = Annotated[tuple[str, ...], _read(values.parse_urls)]
Members = Annotated[frozenset[str], _read(values.parse_members)]
Channel = Annotated[str | None, _read(values.parse_channel)]


class Settings(BaseSettings):
    """Every variable, by its name. Made by `load_settings`; nothing shows the secrets in it."""

    model_config = SettingsConfigDict(frozen=True, case_sensitive=True, hide_input_in_errors=True)

    SLACK_BOT_TOKEN: Annotated[Secret, _read(values.parse_slack_token("xoxb-"))] = _required(
        "the bot's token in Slack", "the token that starts with xoxb-, from OAuth & Permissions"
    )
    SLACK_SIGNING_SECRET: Annotated[Secret | None, _read(values.parse_secret)] = _variable(
        None,
        "proves that a request comes from Slack; alone, without the app token, it means HTTP mode",
        "the signing secret from Basic Information",
    )
    SLACK_APP_TOKEN: Annotated[Secret | None, _read(values.parse_slack_token("xapp-"))] = _variable(
        None,
        "the app-level token, with connections:write: Socket Mode",
        "the token that starts with xapp-, from Basic Information, App-Level Tokens",
    )
    SLACK_API_URL: Url = _variable(
        "https://slack.com/api/", "where Slack's Web API is", "an address such as https://slack.com/api/"
    )
    MAILGUN_API_KEY: Annotated[Secret, _read(values.parse_mailgun_key)] = _required(
        "a Mailgun key with the role admin to begin with; the bot makes its own, which takes its place",
        "a key with the role admin, from API Security in Mailgun's control panel",
    )
    MAILGUN_REGIONS: Annotated[tuple[str, ...], _read(values.parse_regions)] = _variable(
        "us,eu", "the regions that are asked; keys and users are asked of the first", "us, eu or us,eu"
    )
    MAILGUN_US_URL: Url = _variable(
        "https://api.mailgun.net", "Mailgun's API, region us", "an address such as https://api.mailgun.net"
    )
    MAILGUN_EU_URL: Url = _variable(
        "https://api.eu.mailgun.net",
        "Mailgun's API, region eu",
        "an address such as https://api.eu.mailgun.net",
    )
    MAILGUN_US_STORAGE_URLS: Urls = _variable(
        "https://storage-us-east4.api.mailgun.net,https://storage-us-west1.api.mailgun.net",
        "the hosts that keep queued mail of region us, where it is deleted",
        "addresses separated by commas, such as https://storage-us-east4.api.mailgun.net",
    )
    MAILGUN_EU_STORAGE_URLS: Urls = _variable(
        "https://storage-europe-west1.api.mailgun.net",
        "the same of region eu",
        "addresses separated by commas, such as https://storage-europe-west1.api.mailgun.net",
    )
    MAILGUN_STATUS_URL: Annotated[str, _read(lambda text: values.parse_url(text) if text else "")] = _variable(
        "https://status.mailgun.com/api/v2/summary.json",
        "the summary of Mailgun's status page; empty: it is not asked",
        "the address of a Statuspage's summary.json, or nothing",
    )
    MAILGUN_VIA: Annotated[SignIn | None, _read(values.parse_seller)] = _variable(
        None,
        "whom the account was bought through, `heroku` or `rackspace`: people reset passwords and turn on 2FA there",
        "heroku or rackspace, or nothing if the account was bought from Mailgun itself",
        shown="bought from Mailgun itself",
    )
    DYNO: str | None = _variable(
        None, "set by Heroku, where the disk is thrown away with every restart", "nothing; Heroku sets it"
    )
    DATABASE_URL: Annotated[Secret, _read(values.parse_database_url)] = _variable(
        "sqlite:///mailgun-compromised.db",
        "the database: SQLite, or PostgreSQL for more than one process or a disk that does not last",
        "postgresql://user:password@host/name, or sqlite:///a-file.db on a disk that lasts",
    )
    ENCRYPTION_KEY: Annotated[tuple[Secret, ...], _read(values.parse_encryption_keys)] = _variable(
        "",
        "Fernet keys for the vault, separated by commas: the first encrypts, all decrypt",
        'what this prints: python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"',
        shown="made in a file beside the SQLite file; required with PostgreSQL",
    )
    APPROVERS: Members = _variable(
        "",
        "who may decide: ids of Slack users and user groups",
        _MEMBERS,
        shown="workspace owners and admins",
    )
    STARTERS: Members = _variable(
        "", "who may open an incident, and so receive secrets: ids as above", _MEMBERS, shown="as `APPROVERS`"
    )
    TWO_PERSON: Annotated[bool, _read(values.parse_switch)] = _variable(
        "off",
        "on: who receives the secrets cannot approve steps 1 and 2, nor an approver take that over, save by breaking "
        "the glass",
        "on or off",
    )
    RECOVERY_CHANNEL: Channel = _variable(
        None,
        "the id of one channel for all incidents",
        "the channel's id (C…), which Slack shows at the end of the channel's details",
        shown="where the command was typed",
    )
    AUDIT_CHANNEL: Channel = _variable(
        None,
        "the id of a second channel that gets the audit entries too",
        "the channel's id (C…), which Slack shows at the end of the channel's details",
        shown="none",
    )
    EMAIL_DOMAINS: Annotated[Mapping[str, str], _read(values.parse_domains)] = _variable(
        "",
        "domains of people's addresses that are old in Mailgun and new in Slack, such as `old.example=new.example`",
        "old=new, pairs separated by commas, such as old.example=new.example",
        shown="none",
    )
    REMIND_EVERY: Duration = _variable(
        "4h", "how often a person is reminded of what is left to do", _DURATION.format("4h")
    )
    REMIND_BETWEEN: Annotated[values.DailyWindow, _read(values.parse_window)] = _variable(
        "09:00-18:00", "when, in each person's own time zone", "two times, such as 09:00-18:00 or 00:00-24:00"
    )
    REMIND_DAYS: Annotated[frozenset[int], _read(values.parse_weekdays)] = _variable(
        "mon-fri", "on which days, in each person's own time zone", "days such as mon-fri or mon,wed,fri"
    )
    ESCALATE_AFTER: Annotated[int, _read(values.parse_whole(1, 1000))] = _variable(
        "3",
        "after so many reminders to a person, whoever receives the secrets gets a summary once a day",
        "a number from 1 to 1000",
    )
    LOOKBACK: Duration = _variable(
        "14d",
        "what was created so shortly before an incident is marked as suspicious; `since:` in the command names a "
        "moment instead",
        "a time such as 14d or 36h",
    )
    POLL_EVERY: Duration = _variable(
        "5m", "how often Mailgun is asked about people and domains", _DURATION.format("5m")
    )
    HANDOVER_TTL: Duration = _variable(
        "24h", "a handover that nobody saved is wiped after this", _DURATION.format("24h")
    )
    MAILGUN_CONCURRENCY: Annotated[int, _read(values.parse_whole(1, 64))] = _variable(
        "16", "calls to Mailgun at once", "a number from 1 to 64"
    )
    BATCH: Annotated[int, _read(values.parse_whole(1, 1000))] = _variable(
        "125",
        "secrets in one handover at most; Slack's limit on a message may end it sooner",
        "a number from 1 to 1000",
    )
    HTTP_TIMEOUT: Duration = _variable("8s", "how long Mailgun or Slack may take to answer", _DURATION.format("8s"))
    LEASE: Duration = _variable(
        "30s",
        "how long a task belongs to the process that claimed it; at least HTTP_TIMEOUT and 5 seconds",
        _DURATION.format("30s"),
    )
    TICK: Duration = _variable("1s", "how often recurring work is looked for", _DURATION.format("1s"))
    SETTLE: DurationOrZero = _variable(
        "30s",
        "between two looks for a message that may have been posted: Slack shows it late",
        _DURATION.format("30s"),
    )
    SLACK_PACE: DurationOrZero = _variable(
        "1s",
        "between two messages to one channel; the pace of all other calls to Slack goes with it",
        _DURATION.format("1s"),
    )
    SLACK_BURST: Annotated[int, _read(values.parse_whole(1, 20))] = _variable(
        "1",
        "messages that a channel may get at once, before that pace; Slack promises to take one",
        "a number from 1 to 20",
    )
    LEAK_SCAN: Annotated[tuple[str, ...], _read(values.parse_repositories)] = _variable(
        "",
        "what step 6 can scan for leaked keys, with Kingfisher: repositories (`https://…`, `git://…`), GitHub "
        "organisations (`github:acme`) and folders (`/…`)",
        "entries separated by commas, such as https://github.com/acme/shop,github:acme,/srv/repositories/shop",
        shown="no scan",
    )
    LEAK_SCAN_TIME: Duration = _variable("10m", "how long the scan of one repository may take", _DURATION.format("10m"))
    ISOLATION_CHECKLIST: Annotated[tuple[str, ...], _read(values.parse_checklist)] = _variable(
        "; ".join(ISOLATION_CHECKLIST),
        "what step 6 asks to be checked where the servers are, separated by semicolons; empty: nothing",
        "at most 20 sentences of at most 200 characters each, separated by semicolons, or nothing",
        shown="five checks, from .env files to the other keys on the host",
    )
    PORT: Annotated[int, _read(values.parse_whole(0, 65535))] = _variable(
        "3000",
        "where it listens: for `/healthz`, and in HTTP mode for Slack; 0 is any free port, which the log names",
        "a number from 1 to 65535, or 0 for any free port",
    )
    LOG_LEVEL: Annotated[str, _read(values.parse_level)] = _variable(
        "INFO", "what is logged; never a secret, at any level", "one of " + ", ".join(values.LEVELS)
    )

    @property
    def MAILGUN_URLS(self) -> dict[str, str]:
        """The address of Mailgun's API in each of `MAILGUN_REGIONS`, in their order."""
        urls = {"us": self.MAILGUN_US_URL, "eu": self.MAILGUN_EU_URL}
        return {region: urls[region] for region in self.MAILGUN_REGIONS}

    @property
    def MAILGUN_STORAGE_URLS(self) -> dict[str, tuple[str, ...]]:
        """The addresses of the hosts that keep queued mail, by region."""
        urls = {"us": self.MAILGUN_US_STORAGE_URLS, "eu": self.MAILGUN_EU_STORAGE_URLS}
        return {region: urls[region] for region in self.MAILGUN_REGIONS}

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what `load_settings` hands over counts, so that a test says what is set."""
        return (init_settings,)

    # Rules between variables stand with the later of the two, not in one validator of the whole: that would
    # run only when everything else is right, and the message shall name all that is wrong.

    @field_validator("SLACK_APP_TOKEN")
    @classmethod
    def _is_there_a_way_in(cls, token: Secret | None, others: ValidationInfo) -> Secret | None:
        # A signing secret that is malformed is not in the data, and is named by itself.
        if token is None and others.data.get("SLACK_SIGNING_SECRET", "malformed") is None:
            raise ValueError(
                "is missing, and so is SLACK_SIGNING_SECRET. For HTTP mode put the signing secret from Basic "
                "Information into SLACK_SIGNING_SECRET; for Socket Mode"
            )
        return token

    @field_validator("SLACK_API_URL")
    @classmethod
    def _ends_with_slash(cls, url: str) -> str:
        # slack_sdk appends the method's name.
        return f"{url}/"

    @field_validator("DATABASE_URL")
    @classmethod
    def _does_the_disk_last(cls, url: Secret, others: ValidationInfo) -> Secret:
        if others.data.get("DYNO") and url.reveal().startswith("sqlite"):
            raise ValueError("is SQLite, on a disk that is thrown away (DYNO is set): the vault would be lost")
        return url

    @field_validator("ENCRYPTION_KEY")
    @classmethod
    def _can_the_vault_be_read(cls, keys: tuple[Secret, ...], others: ValidationInfo) -> tuple[Secret, ...]:
        url: Secret | None = others.data.get("DATABASE_URL")
        if not keys and url is not None and not url.reveal().startswith("sqlite"):
            raise ValueError("is missing, and with PostgreSQL there is no file that could hold it")
        return keys

    @field_validator("STARTERS")
    @classmethod
    def _approvers_may_start(cls, starters: frozenset[str], others: ValidationInfo) -> frozenset[str]:
        approvers: frozenset[str] = others.data.get("APPROVERS", frozenset())
        return starters or approvers

    @field_validator("LEASE")
    @classmethod
    def _does_the_lease_outlast_a_call(cls, lease: timedelta, others: ValidationInfo) -> timedelta:
        timeout: timedelta | None = others.data.get("HTTP_TIMEOUT")
        if timeout is not None and lease < timeout + LEASE_MARGIN:
            least = (timeout + LEASE_MARGIN).total_seconds()
            raise ValueError(f"is under {least:g}s, which is HTTP_TIMEOUT and 5 seconds")
        return lease


_EMPTY_COUNTS = frozenset({"MAILGUN_STATUS_URL", "ISOLATION_CHECKLIST"})
"""Everywhere else a variable that is set to nothing is one that is not set."""


def load_settings(environ: Mapping[str, str]) -> Settings:
    """The settings in these variables.

    Raises:
        SettingsError: some are missing or malformed. It names all of them, one a line.
    """
    found = {
        name: text.strip()
        for name in Settings.model_fields
        if (text := environ.get(name)) is not None and (text.strip() or name in _EMPTY_COUNTS)
    }
    try:
        return Settings.model_validate(found)
    except ValidationError as error:
        problems = [_problem(str(each["loc"][0]), each.get("ctx", {}).get("error")) for each in error.errors()]
    raise SettingsError("\n".join(problems))


def settings_table() -> list[Row]:
    """Every variable in order, for the documentation."""
    return [Row(name, _told(name, "default"), field.description or "") for name, field in Settings.model_fields.items()]


def _problem(name: str, error: object) -> str:
    # Without an error of a parser's, nothing was there to parse.
    return f"{name} {error or 'is missing'}: put {_told(name, 'put')}."


def _told(name: str, what: str) -> str:
    extra = Settings.model_fields[name].json_schema_extra
    return str(extra[what]) if isinstance(extra, dict) else ""


def policy_of(settings: Settings) -> Policy:
    """The part of the settings that the rules depend on."""
    window = settings.REMIND_BETWEEN
    end = time(0) if window.end == time.max else window.end
    return Policy(
        approvers=tuple(sorted(settings.APPROVERS)),
        starters=tuple(sorted(settings.STARTERS)),
        two_person=settings.TWO_PERSON,
        recovery_channel=settings.RECOVERY_CHANNEL,
        audit_channel=settings.AUDIT_CHANNEL,
        reminders=ReminderHours(settings.REMIND_EVERY, window.start, end, settings.REMIND_DAYS),
        escalate_after=settings.ESCALATE_AFTER,
        email_domains=settings.EMAIL_DOMAINS,
        mailgun_via=settings.MAILGUN_VIA,
        poll_every=settings.POLL_EVERY,
        lookback=settings.LOOKBACK,
        handover_ttl=settings.HANDOVER_TTL,
        concurrency=settings.MAILGUN_CONCURRENCY,
        batch=settings.BATCH,
        http_timeout=settings.HTTP_TIMEOUT,
        lease=settings.LEASE,
        tick=settings.TICK,
        settle=settings.SETTLE,
        leak_scan=settings.LEAK_SCAN,
        leak_scan_time=settings.LEAK_SCAN_TIME,
        isolation_checklist=settings.ISOLATION_CHECKLIST,
    )
