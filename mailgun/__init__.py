"""Mailgun's API, typed, on requests.

client.py     `MailgunClient`, which keeps `recovery.ports.Mailgun`: one method a question or order
transport.py  one call over one pooled session: timeouts, the few retries, the log
outcomes.py   an answer that is no success, or none at all, as one of `recovery.errors`
models.py     Mailgun's JSON as `recovery.account`
status.py     Mailgun's status page in one sentence
"""
