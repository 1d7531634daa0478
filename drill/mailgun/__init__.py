"""The practice Mailgun: an account in memory behind Mailgun's API, as strict as Mailgun is.

One server plays both regions, `<url>/us` and `<url>/eu`, and the status page, `<url>/status`. Keys, users and
subaccounts belong to the account and are the same in both; domains and their SMTP credentials have a region.

    accounts.py     accounts to begin with: `drill_account`, `small_account`, `scaled_account`
    model.py        what an account is made of, and what can happen to it
    app.py          `create_app`: all of it as one Starlette app
    access.py       which key may do what
    calls.py        one API call, from its request to its answer and the log
    domains.py, credentials.py, keys.py, users.py, settings.py, messages.py
                    one file an area of Mailgun's API
    orders.py       what the drill may do to the account (`/_drill/...`)
    statuses.py     the error statuses that Mailgun's own description lacks
"""
