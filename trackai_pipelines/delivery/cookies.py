"""Meta's cookies: what counts as a well-formed fbc, fbp or fbclid, for Meta and for matching.

They read `fb.<0|1|2>.<time in ms>.<fbclid or random number>`. Meta's parameter builder adds a fifth segment, which
names the library that made the cookie and says nothing about the click. It is cut off to send the documented form.

Here: one value in, its form for sending or None out. Not here: choosing between values (`events`).
"""

import re

_FBC = re.compile(r"(fb\.[012]\.[0-9]+\.[^.\s]{1,512})(?:\.[^.]*)?")
_FBP = re.compile(r"(fb\.[012]\.[0-9]+\.[0-9]+)(?:\.[^.]*)?")
_FBCLID = re.compile(r"[^.\s]{1,512}")


def well_formed_fbc(value: str | None) -> str | None:
    """Return the click cookie in four segments; None if it is not well formed."""
    found = _FBC.fullmatch((value or "").strip())
    return found[1] if found else None


def well_formed_fbp(value: str | None) -> str | None:
    """Return the browser cookie in four segments; None if it is not well formed."""
    found = _FBP.fullmatch((value or "").strip())
    return found[1] if found else None


def well_formed_fbclid(value: str | None) -> str | None:
    """Return the click id without surrounding white space; None if a cookie cannot hold it."""
    trimmed = (value or "").strip()
    return trimmed if _FBCLID.fullmatch(trimmed) else None
