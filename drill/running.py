"""A drill that runs."""

from dataclasses import dataclass

from drill.company import Company
from drill.mailgun.visitors import Visit
from drill.ordering import JsonObject
from drill.process import BotProcess


@dataclass(frozen=True)
class Drill:
    """The company, the bot, and where the bot keeps things. `before` is Mailgun's state at the beginning;
    `visit` says what of it the attacker left."""

    company: Company
    bot: BotProcess
    database_url: str
    before: JsonObject
    visit: Visit
