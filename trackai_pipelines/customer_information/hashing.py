"""Hashing: SHA-256 in hex, and recognising a value that is a hash already.

Here: the form of a hash. Not here: the form of a value before it is hashed, which has a module of its own.
"""

import re
from hashlib import sha256

from trackai_pipelines.customer_information import appendix

_HASH = re.compile(rf"([0-9a-fA-F]{{64}})(?:{appendix.ANY})?")
# MD5, SHA-1, SHA-224, SHA-384, SHA-512.
_LENGTHS = "|".join(f"[0-9a-fA-F]{{{length}}}" for length in (32, 40, 56, 96, 128))
_OTHER_HASH = re.compile(f"(?:{_LENGTHS})(?:{appendix.ANY})?")


def sha256_hex(text: str) -> str:
    """Return the SHA-256 of the UTF-8 text as 64 lower-case hex digits."""
    return sha256(text.encode()).hexdigest()


def contact_key(tenant_id: str, contact_hash: str) -> str:
    """Return by what a tenant recognises a contact whose hash is gone; it does not lead to other tenants' contacts."""
    return sha256_hex(f"{tenant_id}\x1f{contact_hash}")


def key_of_hash(digest: str) -> str:
    """Return what stands for a contact where an app uses it as the id of a user."""
    return f"sha256:{digest}"


def already_hashed(value: object) -> str | None:
    """Return the hash in lower case if the value is 64 hex digits, else None.

    White space around it and the appendix of Meta's parameter builder are no part of it.
    """
    if not isinstance(value, str) or len(value) < 64:
        return None
    try:
        # Nearly all are hex digits alone. fromhex skips white space, hence the length of what it returns.
        plain = len(value) == 64 and len(bytes.fromhex(value)) == 32
    except ValueError:
        plain = False
    if plain:
        return value.lower()
    found = _HASH.fullmatch(value.strip())
    return found[1].lower() if found else None


def hashed_otherwise(value: object) -> bool:
    """Return whether the value looks like a hash that Meta does not take, such as MD5."""
    return isinstance(value, str) and len(value) >= 32 and _OTHER_HASH.fullmatch(value.strip()) is not None


def is_sha256(text: str) -> bool:
    """Return whether the text is a hash in its normal form, 64 lower-case hex digits."""
    return len(text) == 64 and already_hashed(text) == text
