"""`python -m drill.slack --port 8001`: serves the drill's workspace until it is interrupted."""

import contextlib
import threading
from typing import Annotated

import typer

from drill.serving import PracticeServer
from drill.slack import create_app, drill_workspace


def serve(
    port: Annotated[int, typer.Option(help="The port on 127.0.0.1; 0 is any free one.")] = 0,
    latency: Annotated[float, typer.Option(help="Seconds that each answer takes.")] = 0.0,
) -> None:
    """Serve the practice Slack, and print its address and the app's tokens."""
    workspace = drill_workspace()
    with PracticeServer(create_app(workspace, latency=latency), port) as server:
        typer.echo(f"page             {server.url}/")
        typer.echo(f"SLACK_API_URL    {server.url}/api/")
        typer.echo(f"SLACK_BOT_TOKEN  {workspace.app.bot_token}")
        typer.echo(f"SLACK_APP_TOKEN  {workspace.app.app_token}")
        typer.echo(f"or, for HTTP mode, SLACK_SIGNING_SECRET  {workspace.app.signing_secret}")
        typer.echo(f"  and where the bot is: PATCH {server.url}/_drill/settings")
        typer.echo('  {"request_url": "http://127.0.0.1:3000/slack/events"}')
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    typer.run(serve)
