"""The drill: a practice Slack and a practice Mailgun that the shipped bot is run against."""
