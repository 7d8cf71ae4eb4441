"""Hashing: SHA-256 in hex, and recognising a value that is a hash already.

Here: the form of a hash. Not here: the form of a value before it is hashed, which has a module of its own.
"""

import re
from hashlib import sha256

_HASH = re.compile(r"[0-9a-fA-F]{64}")


def sha256_hex(text: str) -> str:
    """Return the SHA-256 of the UTF-8 text as 64 lower-case hex digits."""
    return sha256(text.encode()).hexdigest()


def already_hashed(value: object) -> str | None:
    """Return the value as a lower-case hash if it is 64 hex digits, surrounding white space aside; else None."""
    if not isinstance(value, str) or len(value) < 64:
        return None
    trimmed = value.strip()
    return trimmed.lower() if _HASH.fullmatch(trimmed) else None


def is_sha256(text: str) -> bool:
    """Return whether the text is a hash in its normal form, 64 lower-case hex digits."""
    return len(text) == 64 and _HASH.fullmatch(text) is not None and text == text.lower()
