"""The bucket of a unit: FNV-1a, 32 bit, twice, as version 2 of GrowthBook's hashing.

What belongs here: the hash alone; flags and experiments share it. What does not: what a bucket is served.
Source: https://docs.growthbook.io/lib/build-your-own#hashing, and `flag_bucket` in SQL.
"""

from struct import iter_unpack

BUCKETS = 10_000

_OFFSET = 2_166_136_261
_PRIME = 16_777_619


def bucket(salt: str, unit: str) -> int:
    """Return the bucket of a unit, 0 to 9999."""
    return bucket_after(fnv1a32(salt), unit)


def bucket_after(salted: int, unit: str) -> int:
    """Return the bucket of a unit; `salted` is `fnv1a32(salt)`, so that a salt is hashed once and not at each check."""
    return fnv1a32(str(fnv1a32(unit, salted))) % BUCKETS


def fnv1a32(text: str, state: int = _OFFSET) -> int:
    """Return the hash of a text's UTF-16 code units; `state` is the hash of the text before it."""
    if text.isascii():
        for unit in text.encode():
            state = ((state ^ unit) * _PRIME) & 0xFFFFFFFF
    else:
        for (unit,) in iter_unpack("<H", text.encode("utf-16-le", "surrogatepass")):
            state = ((state ^ unit) * _PRIME) & 0xFFFFFFFF
    return state
