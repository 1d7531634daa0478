"""What people would use instead: a script on Mailgun's official Python SDK that sets every SMTP password anew.

    python rotate_with_sdk.py <width> <url> [<url> ...]

One address a region; the key is in `MAILGUN_API_KEY`. With a width of 1 it lists and sets one after another, with more
in a pool of so many threads. It remembers nothing: what it printed is all that there is.
"""

import os
import secrets
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from mailgun.client import Client

PAGE = 1000


def domains_of(client):
    found, skip = [], 0
    while True:
        page = client.domainlist.get(filters={"limit": PAGE, "skip": skip}).json()["items"]
        found += [domain["name"] for domain in page]
        skip += len(page)
        if len(page) < PAGE:
            return [(client, name) for name in found]


def logins_of(place):
    client, domain = place
    found, skip = [], 0
    while True:
        answer = client.domains_credentials.get(domain=domain, filters={"limit": PAGE, "skip": skip})
        page = answer.json()["items"]
        found += [credential["login"] for credential in page]
        skip += len(page)
        if len(page) < PAGE:
            return [(client, domain, login) for login in found]


def set_password(one):
    client, domain, login = one
    password = secrets.token_hex(16)
    # Mailgun's description wants a form with parts here, which `files` makes of it.
    answer = client.domains_credentials.put(domain=domain, login=login, files={"password": (None, password)})
    answer.raise_for_status()
    return login, password


def main(width, urls):
    key = os.environ["MAILGUN_API_KEY"]
    clients = [Client(auth=("api", key), api_url=url) for url in urls]
    began = time.monotonic()
    with ThreadPoolExecutor(width) as pool:
        at_once = pool.map if width > 1 else map
        domains = [place for places in map(domains_of, clients) for place in places]
        logins = [one for found in at_once(logins_of, domains) for one in found]
        for login, password in at_once(set_password, logins):
            print(login, password)
    print(time.monotonic() - began, file=sys.stderr)


main(int(sys.argv[1]), sys.argv[2:])
