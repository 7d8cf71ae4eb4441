"""E-mail addresses and phone numbers of buyers (`em`, `ph`).

Here: the hashes of both, and the normal form of an address. Not here: how phone numbers are read (`phone`), names and
places (`person`, `place`).
"""

from hashlib import sha256

from trackai_pipelines.customer_information.appendix import without_long_appendix
from trackai_pipelines.customer_information.hashing import already_hashed
from trackai_pipelines.customer_information.phone import normalised_phone


def normalised_email(value: object) -> str | None:
    """Return the address trimmed and in lower case; None if the value is not an e-mail address."""
    if not isinstance(value, str):
        return None
    address = without_long_appendix(value.strip()).lower()
    # isprintable() is false for control characters, lone surrogates and all white space but the plain space.
    if not address.isprintable() or " " in address:
        return None
    at = address.rfind("@")
    return address if 0 < at < len(address) - 1 else None


def email_hash(value: object) -> str | None:
    """Return the SHA-256 hex of the normalised e-mail address, or the value if it is a hash; None for neither."""
    address = normalised_email(value)
    return sha256(address.encode()).hexdigest() if address else already_hashed(value)


def phone_hash(value: object, default_country: str | None) -> str | None:
    """Return the SHA-256 hex of the normalised phone number, or the value if it is a hash; None for neither."""
    hashed = already_hashed(value)
    if hashed:
        return hashed
    digits = normalised_phone(value, default_country)
    return sha256(digits.encode()).hexdigest() if digits else None
