"""Serves the drill's account: `python -m drill.mailgun --port 8025 --latency 0.05`."""

from __future__ import annotations

import threading
from typing import Annotated

import typer

from drill.mailgun.accounts import drill_account
from drill.mailgun.app import create_app
from drill.mailgun.places import Region, StorageHost
from drill.serving import PracticeServer


def main(
    port: Annotated[int, typer.Option(help="0: any free port.")] = 0,
    latency: Annotated[float, typer.Option(help="Seconds between a call's effect and its answer.")] = 0.0,
) -> None:
    """Serve the drill's Mailgun account on this machine until interrupted."""
    prepared = drill_account()
    with PracticeServer(create_app(prepared.account, latency), port) as server:
        typer.echo(f"MAILGUN_US_URL={server.url}/us")
        typer.echo(f"MAILGUN_EU_URL={server.url}/eu")
        for region in Region:
            hosts = ",".join(f"{server.url}/{host}" for host in StorageHost if host.region is region)
            typer.echo(f"MAILGUN_{region.upper()}_STORAGE_URLS={hosts}")
        typer.echo(f"MAILGUN_STATUS_URL={server.url}/status/api/v2/summary.json")
        typer.echo(f"MAILGUN_API_KEY={prepared.admin_key}")
        threading.Event().wait()


if __name__ == "__main__":
    typer.run(main)
