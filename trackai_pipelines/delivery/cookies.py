"""Meta's cookies: what counts as a well-formed fbc, fbp or fbclid, for Meta and for matching.

They read `fb.<subdomain index>.<time in ms>.<fbclid or random number>`. The index is the number of dots in the domain
that the cookie is set on, so it may be any. Meta's parameter builder adds a fifth segment, which names the library that
made the cookie and says nothing about the click. It is cut off to send the documented form. A placeholder (`undefined`)
is no id, however well formed the cookie around it is.

Here: one value in, its form for sending or None out. Not here: choosing between values (`events`), and which texts are
placeholders (`customer_information.placeholders`).
"""

import re

from trackai_pipelines.customer_information.placeholders import is_placeholder

_FBC = re.compile(r"(fb\.[0-9]+\.[0-9]+\.([^.\s]{1,512}))(?:\.[^.]*)?")
# A random number of 0 is a placeholder.
_FBP = re.compile(r"(fb\.[0-9]+\.[0-9]+\.0*[1-9][0-9]*)(?:\.[^.]*)?")
# Beyond these a time is in a smaller unit: in seconds it would lie after the year 5100, as milliseconds, too.
_LARGEST_SECONDS, _LARGEST_MILLISECONDS = 10**11, 10**14
_YEAR_2000 = 946_684_800_000
# Nanoseconds have 19.
_MOST_DIGITS = 20
_FBCLID = re.compile(r"[^.\s]{1,512}")


def well_formed_fbc(value: str | None) -> str | None:
    """Return the click cookie in four segments; None if it is not well formed."""
    found = _FBC.fullmatch((value or "").strip())
    return found[1] if found and not is_placeholder(found[2]) else None


def fbc_to_send(value: str | None) -> str | None:
    """Return the click cookie in four segments with its time in milliseconds; None if it is not well formed.

    A time in seconds, microseconds or nanoseconds is brought to milliseconds. One that lies before the year 2000 even
    then is no time, and Meta would take the click for that old.
    """
    known = well_formed_fbc(value)
    if known is None:
        return None
    head, index, digits, fbclid = known.split(".")
    time = int(digits) if len(digits) <= _MOST_DIGITS else 0
    if time < _LARGEST_SECONDS:
        time *= 1000
    while time >= _LARGEST_MILLISECONDS:
        time //= 1000
    return f"{head}.{index}.{time}.{fbclid}" if time >= _YEAR_2000 else None


def well_formed_fbp(value: str | None) -> str | None:
    """Return the browser cookie in four segments; None if it is not well formed."""
    found = _FBP.fullmatch((value or "").strip())
    return found[1] if found else None


def well_formed_fbclid(value: str | None) -> str | None:
    """Return the click id without surrounding white space; None if a cookie cannot hold it."""
    trimmed = (value or "").strip()
    return trimmed if _FBCLID.fullmatch(trimmed) and not is_placeholder(trimmed) else None
