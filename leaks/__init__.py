"""The room around Kingfisher, which finds Mailgun's keys and passwords in repositories. No Slack, no SQL."""
