"""The appendix of Meta's parameter builder: a dot and a few characters after a value that it hands out.

It names the library (its language, its version) and is no part of the value: `203.0.113.77.AQYBAQIA`. The builder's
source (facebook/capi-param-builder, getAppendixInfo) writes six bytes in base64url: the format 1, the language, whether
the value is new (0 to 3), and three numbers of the version. Older versions write one of six tokens of two characters.

Here: how it is recognised and removed. Not here: cookies, whose fifth segment it is (`placeholders`, SQL).
"""

import re

ANY = r"\.(?:[0-9A-Za-z_-]{2}|[0-9A-Za-z_-]{6}|[0-9A-Za-z_-]{8})"
"""An appendix by its length, for where the value before it is recognised without doubt: a hash, an IP address."""

# After text of any kind it has to be one by its content: `jose.AQUINO` and `maria.souza` are customer ids.
_BY_CONTENT = re.compile(r"\.AQ[EIMQUYcgkosw048][A-D](?:[0-9A-Za-z_-]{2}|[0-9A-Za-z_-]{4})$")
_TOKEN = re.compile(r"(?<=.)\.(?:AQ|Ag|Aw|BA|BQ|Bg)$")


def without_appendix(text: str) -> str:
    """Return the text without an appendix, long or short."""
    return _TOKEN.sub("", without_long_appendix(text))


def without_long_appendix(text: str) -> str:
    """Return the text without an appendix of 6 or 8 characters; for text that may end in `.BA` by itself."""
    # Most texts pass by these signs.
    return _BY_CONTENT.sub("", text) if ".AQ" in text[-9:] else text
