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
_FBCLID = re.compile(r"[^.\s]{1,512}")


def well_formed_fbc(value: str | None) -> str | None:
    """Return the click cookie in four segments; None if it is not well formed."""
    found = _FBC.fullmatch((value or "").strip())
    return found[1] if found and not is_placeholder(found[2]) else None


def well_formed_fbp(value: str | None) -> str | None:
    """Return the browser cookie in four segments; None if it is not well formed."""
    found = _FBP.fullmatch((value or "").strip())
    return found[1] if found else None


def well_formed_fbclid(value: str | None) -> str | None:
    """Return the click id without surrounding white space; None if a cookie cannot hold it."""
    trimmed = (value or "").strip()
    return trimmed if _FBCLID.fullmatch(trimmed) and not is_placeholder(trimmed) else None
