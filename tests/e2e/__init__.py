"""The real `bot.py` process against the practice Slack and Mailgun, over HTTP and WebSocket."""
