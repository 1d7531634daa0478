"""Cuts keys and passwords out of what people paste, before anything is stored or posted.

Rather a word too many than a secret too few: the sender is told that something was cut and can say it again.
"""

import re

REMOVED = "[removed]"

# Repetitions that may begin anywhere have an upper bound: without one, a few pages of `a.a.a.` would be tried
# from each letter to the end, which takes minutes and holds up the whole process.

_SHAPES = re.compile(
    r"""
      (?:pub)?key-[0-9a-z]{16,}                 # Mailgun's older keys
    | [0-9a-f]{32,}(?:-[0-9a-f]{8})*            # Mailgun's newer keys, signing keys, any long hexadecimal
    | xox[a-z](?:\.xox[a-z])?-[\w-]{8,}         # Slack's tokens
    | xapp-[\w-]{8,}
    | gAAAA[\w-]{16,}=*                         # Fernet
    | eyJ[\w-]{8,1000}\.[\w-]+(?:\.[\w-]*)?     # JSON web tokens
    | SG\.[\w-]{8,}\.[\w-]{8,}                  # SendGrid's keys
    | (?:AKIA|ASIA)[0-9A-Z]{16}                 # Amazon's key ids
    | gh[a-z]_\w{16,} | github_pat_\w{16,}      # GitHub's tokens
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""Secrets that are known by their shape, wherever they stand, also in the middle of another word."""

_USERINFO = re.compile(
    r"(?P<scheme>\b[a-z][a-z0-9+.-]{0,30}://)(?:[^\s/]{1,500}|[^\s/@]{1,200}:[^\s@]{0,500})@", re.IGNORECASE
)
"""The login and password in an address such as `smtp://login:password@host`."""

_LOGIN_AND_PASSWORD = re.compile(r"(?P<login>[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,9}):(?!\d{1,5}\b)\S+")
"""A login and its password as configuration files write them; a short number is a port."""

_NAMED = re.compile(
    r"""
    (?P<name>
        (?<![A-Za-z0-9])
        (?: pass(?:word|wd|phrase|code)? | pwd | pw | secret | token | credential
            | (?:api|private|signing|secret)[\ _-]?key )
        s?\b
        (?:\s+(?:for|of|to|on)\s+\S+)?
    )
    (?P<link> ["'`*]*\s*(?:[:=]+>?|->|\b(?:is|was)\b:?)\s* | \s+(?=["'`]) )
    (?P<value> "[^"\n]+" | '[^'\n]+' | `[^`\n]+` | \S+ )
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""What stands after a word that names a secret: `password: …`, `pwd=…`, `the token is …`, `pass "…"`."""

_ORDINARY_WORDS = """
    a about again all already also an and any are at been being both but by changed compromised correct
    deleted different disabled exposed expired fine for found from gone had has have here how i in
    invalid it its just known leaked lost missing my new no none not now of off old ok on one or our out
    posted public published readable removed reset resetting revoked rotated same sent set shared still
    stolen that the there they this to too true unchanged unknown unsafe used using valid very visible
    was we weak were what when where which who why with working wrong yes you your
"""
"""Words that follow `password is` in a sentence. Anything else after it counts as the password."""

_ORDINARY = frozenset(_ORDINARY_WORDS.split())

_KEPT_OR_CUT = re.compile(
    r"""
    (?P<kept>
        <[@\#!][^>\s]{0,200}>                               # Slack's mentions
      | <?(?:https?|mailto):[^\s<>]+>?                     # addresses
      | [\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,9}    # e-mail addresses
      | (?:[\w-]{1,63}\.){1,9}[a-z]{2,24}\b(?![\w-])       # domains
    )
    | (?P<cut> [\w+/=-]{20,} )
    """,
    re.VERBOSE | re.IGNORECASE,
)


def cut_secrets(text: str) -> tuple[str, bool]:
    """The text with every secret in it replaced by `[removed]`, and whether there was any.

    Cut are Mailgun's keys, other well-known tokens, passwords that are named as such, logins in addresses,
    and long words that mix capitals, small letters and digits.
    """
    cut = _SHAPES.sub(REMOVED, text)
    cut = _USERINFO.sub(rf"\g<scheme>{REMOVED}@", cut)
    cut = _LOGIN_AND_PASSWORD.sub(rf"\g<login>:{REMOVED}", cut)
    cut = _NAMED.sub(_named, cut)
    cut = _KEPT_OR_CUT.sub(_long, cut)
    return cut, cut != text


def _named(match: re.Match[str]) -> str:
    value = match["value"]
    if "=" not in match["link"] and value.strip("""."'`,;:!?()""").lower() in _ORDINARY:
        return match[0]
    if value.startswith(REMOVED):
        return match[0]
    return f"{match['name']}{match['link']}{REMOVED}"


def _long(match: re.Match[str]) -> str:
    token = match["cut"]
    if token is None:
        return match[0]
    mixed = re.search("[a-z]", token) and re.search("[A-Z]", token) and re.search("[0-9]", token)
    return REMOVED if mixed else match[0]
