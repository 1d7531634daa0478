"""A bare Bolt app that only acknowledges, with Bolt's own defaults: what an acknowledgement takes at least.

SLACK_BOT_TOKEN, SLACK_APP_TOKEN, SLACK_API_URL: as the bot's
"""

import os
import re

from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient

url = os.environ["SLACK_API_URL"]
app = App(client=WebClient(token=os.environ["SLACK_BOT_TOKEN"], base_url=url))


@app.command(re.compile(""))
def take_command(ack):
    ack()


@app.action(re.compile(""))
def take_click(ack):
    ack()


app_token = os.environ["SLACK_APP_TOKEN"]
SocketModeHandler(app, app_token, web_client=WebClient(token=app_token, base_url=url)).start()
