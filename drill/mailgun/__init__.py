"""The practice Mailgun: an account in memory behind Mailgun's API, as strict as Mailgun is.

One server plays both regions, `<url>/us` and `<url>/eu`, the hosts that store mail until it is due, such as
`<url>/storage-us-east4`, and the status page, `<url>/status`. Keys, users, subaccounts, the IP allowlist and
sending alerts are the same in both regions; domains with all that is theirs, and routes, have a region.

    accounts.py     accounts to begin with: `drill_account`, `small_account`, `scaled_account`
    visitors.py     `an_attacker_was_there`: what an attacker leaves on such an account
    model.py        what an account is made of, and what can happen to it
    outlets.py      the parts of it through which mail and events leave, and who may call
    places.py       the regions, and the hosts that store mail
    app.py          `create_app`: all of it as one Starlette app
    access.py       which key may do what
    calls.py        one API call, from its request to its answer and the log
    forms.py        what a call carries: forms, JSON, pages
    domains.py, credentials.py, keys.py, users.py, settings.py, messages.py, routes.py, webhooks.py,
    allowlist.py, alerts.py, metrics.py, envelopes.py
                    one file an area of Mailgun's API
    orders.py       what the drill may do to the account (`/_drill/...`)
    statuses.py     the error statuses that Mailgun's own description lacks
"""
