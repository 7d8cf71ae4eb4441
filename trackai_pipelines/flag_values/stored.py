"""What of a context may be stored: a key that is no contact, and a device and a request without anything personal.

What belongs here: those three. What does not: what is personal (`ingest.personal`), and when something is stored.
"""

import json
from collections.abc import Mapping
from hashlib import sha256

from trackai_pipelines.customer_information.contact import email_hash, phone_hash
from trackai_pipelines.customer_information.hashing import key_of_hash
from trackai_pipelines.ingest.masking import masked
from trackai_pipelines.ingest.personal import looks_like_a_phone, masked_free_text

DEVICE_BYTES = 2_048
# As long as an identifier of a landing file.
_LONGEST = 512
_NOT_KEPT = "[not kept: larger than 2 KB]"


def stored_key(key: str | None, default_country: str | None = None) -> str | None:
    """Return a targeting key as it is stored: one that looks like an e-mail address or a phone number is hashed.

    The hash is that of the normalised value, as in `users`; `default_country` (ISO 3166 alpha-2) completes phone
    numbers. A key that PostgreSQL cannot take, or that is too long, is hashed as it is.
    """
    if not key:
        return None
    if len(key) > _LONGEST or "\0" in key or any("\ud800" <= character <= "\udfff" for character in key):
        return key_of_hash(sha256(key.encode("utf-8", "surrogatepass")).hexdigest())
    if looks_like_a_phone(key) or masked_free_text(key) != key:
        normal = email_hash(key) or phone_hash(key, default_country)
        return key_of_hash(normal or sha256(key.strip().lower().encode()).hexdigest())
    return key


def is_hashed(stored: str) -> bool:
    """Return whether a stored key is a hash that `stored_key` made."""
    return stored.startswith(key_of_hash(""))


def stored_device(device: object) -> str | None:
    """Return a context's `device` object as JSON of at most 2 KB, masked like payloads that were refused.

    A field that does not fit is left out, and the field `...` says so. Anything but an object is None.
    """
    if not isinstance(device, Mapping) or not device:
        return None
    shown = masked(device)
    assert isinstance(shown, dict)
    kept: dict[str, object] = {}
    left = DEVICE_BYTES - _size({"...": _NOT_KEPT})
    for name, value in shown.items():
        size = _size({name: value})
        if size <= left:
            kept[name] = value
            left -= size
    if len(kept) < len(shown):
        kept["..."] = _NOT_KEPT
    return _json(kept)


def stored_request(request_id: str | None) -> str | None:
    """Return the id of a request as it is stored: masked and cut."""
    return str(masked(request_id[:_LONGEST])) if request_id else None


def _size(fields: Mapping[str, object]) -> int:
    return len(_json(fields).encode())


def _json(fields: Mapping[str, object]) -> str:
    return json.dumps(fields, ensure_ascii=False)
