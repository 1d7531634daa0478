"""What is pasted by mistake is cut, and what people need to say is not."""

import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recovery.redaction import REMOVED, cut_secrets

HEX = "0123456789abcdef"
hexadecimal = st.sampled_from(HEX)


def hex_of(length: int) -> st.SearchStrategy[str]:
    return st.text(hexadecimal, min_size=length, max_size=length)


mailgun_keys = st.one_of(
    st.builds("key-{}".format, hex_of(32)),
    st.builds("pubkey-{}".format, hex_of(32)),
    st.builds("{}-{}-{}".format, hex_of(32), hex_of(8), hex_of(8)),
    hex_of(32),
    hex_of(64),
)


@given(before=st.text(), key=mailgun_keys, after=st.text())
def test_no_mailgun_key_survives_wherever_it_stands(before: str, key: str, after: str) -> None:
    cut, was_cut = cut_secrets(before + key + after)

    assert was_cut
    assert key not in cut
    for part in key.split("-"):
        if len(part) >= 32:
            assert part not in cut


@given(
    word=st.sampled_from(["password", "Password", "passwd", "pwd", "pass", "secret", "token", "api key", "API_KEY"]),
    link=st.sampled_from([": ", ":", "=", " = ", " is ", ' is "', " '"]),
    password=st.text(string.ascii_letters + string.digits + "!$%&/()?#+*", min_size=6, max_size=40).filter(
        lambda text: any(letter.isdigit() for letter in text)
    ),
)
def test_a_named_password_is_cut(word: str, link: str, password: str) -> None:
    closing = link[-1] if link[-1] in "\"'" else ""
    cut, was_cut = cut_secrets(f"the {word}{link}{password}{closing} and more")

    assert was_cut
    assert password not in cut
    assert cut.endswith("and more")


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("smtp://postmaster@mg.acme.com:hunter2@smtp.mailgun.org:587", "hunter2"),
        ("smtp://postmaster%40mg.acme.com:Summer24@smtp.mailgun.org", "Summer24"),
        ("postmaster@mg.acme.com:Summer2024! does not work", "Summer2024!"),
        ("the password for postmaster@mg.acme.com is Summer2024!", "Summer2024!"),
        ("MAILGUN_API_KEY=0123456789abcdef0123456789abcdef-01234567-89abcdef", "0123456789abcdef"),
        ("SMTP_PASSWORD=hunter2", "hunter2"),
        ("pass hunter: no, pass 'correct horse battery'", "correct horse battery"),
        ("bot token xoxb-123456789012-abcdefABCDEF", "abcdefABCDEF"),
        ("xapp-1-A0123-456-abcdef0123", "abcdef0123"),
        ("gAAAAABlZ0xyzABCDEFGHIJKLMNOPQRSTUVWX==", "ABCDEFGHIJKL"),
        ("somebody used Zk3nQpX8vLw2TtYb7RmC4dHs on Friday", "Zk3nQpX8vLw2TtYb7RmC4dHs"),
    ],
)
def test_what_a_person_pastes_is_cut(text: str, secret: str) -> None:
    cut, was_cut = cut_secrets(text)

    assert was_cut
    assert secret not in cut
    assert REMOVED in cut


@pytest.mark.parametrize(
    "text",
    [
        "somebody sends spam through our account since this morning",
        "Mailgun says the password is leaked, see ticket 4211337",
        "the api key is on GitHub",
        "the password was stolen from a laptop",
        "reissue postmaster@mg.Acme2024-production.example.com",
        "reissue all",
        "<@U012AB3CDEF> saw it in <#C012AB3CDEF|ops>",
        "https://acme.slack.com/archives/C0123456789/p1700000000000000",
        "<https://github.com/Acme/Site2024/blob/main/config.py|config.py>",
        "at 2026-11-24T07:12:30.123456Z, 1700000000.000100",
        "request id 123e4567-e89b-12d3-a456-426614174000",
        "no token expired, no secret leaked, nobody forgot a password",
        "mg.example.com:587 refuses connections, admin@example.com:587 too",
        "Donaudampfschifffahrtsgesellschaftskapitän",
    ],
)
def test_what_a_person_says_is_kept(text: str) -> None:
    assert cut_secrets(text) == (text, False)


@pytest.mark.parametrize(
    "piece",
    ["a.", "a-", "a@", "a://", "<@", "<!", "eyJ", "x@y.", "password ", "password '", "http://a.", "-", "0", " "],
)
def test_the_oddest_text_is_read_soon(piece: str) -> None:
    """Nobody shall be able to hold the whole bot up with a few pages of dots."""
    text = (piece * 40_000)[:40_000]
    began = time.process_time()
    cut_secrets(text)
    assert time.process_time() - began < 1


@given(st.text())
def test_cutting_twice_changes_nothing_more(text: str) -> None:
    once, _ = cut_secrets(text)
    assert cut_secrets(once)[0] == once
