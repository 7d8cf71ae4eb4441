"""Buckets are those of GrowthBook's SDKs, of SQL, and of every process that ever hashed the same unit."""

import pytest
from flag_values.reference import vectors
from hypothesis import given, settings
from hypothesis import strategies as st

from trackai_pipelines.flag_values.bucketing import bucket, bucket_after, fnv1a32

_HASH = vectors("hash")


@pytest.mark.parametrize(("salt", "unit", "expected"), _HASH["published"] + _HASH["computed"])
def test_buckets_are_the_published_ones(salt: str, unit: str, expected: int) -> None:
    assert bucket(salt, unit) == expected


@settings(deadline=None)
# Lone surrogates as well: contexts come from JSON, which can hold them.
@given(st.text(st.characters(exclude_categories=())), st.text(st.characters(exclude_categories=())))
def test_a_unit_has_one_bucket_however_it_is_hashed(salt: str, unit: str) -> None:
    code_units = (salt + unit).encode("utf-16-be", "surrogatepass")
    first = _by_the_book([int.from_bytes(code_units[i : i + 2]) for i in range(0, len(code_units), 2)])
    assert bucket(salt, unit) == bucket_after(fnv1a32(salt), unit) == _by_the_book(str(first).encode()) % 10_000


def _by_the_book(code_units: bytes | list[int]) -> int:
    """http://www.isthe.com/chongo/tech/comp/fnv/#FNV-1a"""
    state = 0x811C9DC5
    for unit in code_units:
        state = (state ^ unit) * 0x01000193 % 2**32
    return state
