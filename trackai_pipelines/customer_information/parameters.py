"""What is known about a buyer beyond e-mail and phone, as Meta's hashed parameters.

Here: raw or hashed values in, hashes by Meta's names out. Not here: the single values (`person`, `place`).
"""

from collections.abc import Callable, Mapping

from trackai_pipelines.customer_information.appendix import without_appendix, without_long_appendix
from trackai_pipelines.customer_information.hashing import already_hashed, hashed_otherwise, sha256_hex
from trackai_pipelines.customer_information.person import (
    normalised_birth_date,
    normalised_customer_id,
    normalised_gender,
    normalised_name,
)
from trackai_pipelines.customer_information.place import (
    normalised_city,
    normalised_country,
    normalised_postal_code,
    normalised_state,
)

_RULES: Mapping[str, Callable[[object, str | None], str | None]] = {
    "fn": lambda value, _: normalised_name(value),
    "ln": lambda value, _: normalised_name(value),
    "ct": lambda value, _: normalised_city(value),
    "st": normalised_state,
    "zp": normalised_postal_code,
    "country": lambda value, _: normalised_country(value),
    "db": normalised_birth_date,
    "ge": lambda value, _: normalised_gender(value),
    "external_id": lambda value, _: normalised_customer_id(value),
}
# Text that may end in a dot and two letters by itself: a city and its state.
_NAMES = frozenset({"fn", "ln", "ct"})


def hashed_parameters(raw: Mapping[str, object], default_country: str | None) -> dict[str, str]:
    """Return hashes of the values by Meta's names (fn, ln, ct, st, zp, country, db, ge, external_id).

    A value that is a hash already is passed on in lower case; an unusable one is left out, and so is an MD5 or another
    hash of something that Meta takes as SHA-256 alone. The appendix of Meta's parameter builder is no part of a value.
    `default_country` (ISO 3166 alpha-2) is where the buyer lives unless `raw` says otherwise; it decides how states,
    postal codes and dates are read, and is not itself sent.
    """
    country = normalised_country(_bare("country", raw.get("country"))) or (default_country or "").lower() or None
    found = {name: _hashed(name, raw[name], country) for name in _RULES if raw.get(name) is not None}
    return {name: digest for name, digest in found.items() if digest}


def _hashed(name: str, value: object, country: str | None) -> str | None:
    digest = already_hashed(value)
    if digest:
        return digest
    # An id may well be 32 hex digits.
    if name != "external_id" and hashed_otherwise(value):
        return None
    normalised = _RULES[name](_bare(name, value), country)
    return sha256_hex(normalised) if normalised else None


def _bare(name: str, value: object) -> object:
    if not isinstance(value, str):
        return value
    text = value.strip()
    return without_long_appendix(text) if name in _NAMES else without_appendix(text)
