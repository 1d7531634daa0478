"""A drill that actors play: the transcript, the board as it stands at the end, and the verdict."""

from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

from drill.actors import NothingToPress, NotTaken
from drill.checks import Check
from drill.evidence import collect, stored
from drill.ordering import OrderFailed
from drill.process import BotGone
from drill.running import Drill
from drill.story import Scenario, Stage, StoryBroken
from drill.transcript import Transcript
from drill.verdict import failures, judge
from drill.waiting import NotInTime

_STORY_ENDED_EARLY = (NotInTime, BotGone, NotTaken, NothingToPress, OrderFailed, StoryBroken)


def performed(running: Drill, console: Console, scenario: Scenario) -> int:
    """Let the actors play, and judge; 0 if the story came to its end and every check passed."""
    secrets = [str(key["secret"]) for key in running.before["keys"]]
    problem = None
    with Transcript(running.company.slack, console, secrets) as transcript:
        try:
            scenario.play(Stage(running.company, running.bot, transcript))
        except _STORY_ENDED_EARLY as error:
            problem = str(error)
        transcript.catch_up()
    board = running.company.slack.board()
    if board is not None:
        transcript.show(board)
    checks = verdict(running)
    read_out(checks, console)
    if problem is not None:
        console.print(Text(f"\nThe story ended early. {problem}\n\nThe end of the bot's log:\n{running.bot.log_end()}"))
    passed = problem is None and not failures(checks)
    words = "The account is recovered" if passed else "The account is not recovered"
    console.print(Text(f"\n{words}, after {transcript.seconds:.0f} seconds.", style="bold"))
    return 0 if passed else 1


def verdict(running: Drill) -> list[Check]:
    """Stop the bot and judge what it did and kept."""
    # Once while it runs, for what is not in the main file yet; once after, for what stays.
    kept = stored(running.database_url)
    status = running.bot.stop()
    kept += stored(running.database_url)
    checks = judge(
        collect(running.company, running.before, running.bot.log_path, running.database_url, kept, running.visit)
    )
    return [*checks, Check("Bot", status == 0, f"The bot left with status {status} when it was asked to.")]


def read_out(checks: Iterable[Check], console: Console) -> None:
    """Print each check with what was found."""
    console.print("\nWhat the practice servers say:")
    for check in checks:
        mark = Text("  yes  ", style="green") if check.passed else Text("  NO   ", style="red")
        console.print(mark + Text(f"{check.name}: {check.found}", style=""))
