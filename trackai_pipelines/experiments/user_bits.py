"""Bits that nearly tell whether a user is one of some: reading millions, the others need not be looked up.

A table of many users does not fit into a processor's cache, and every look-up waits for memory; their bits fit. A Bloom
filter with one hash.
"""

from collections.abc import Mapping
from typing import Any, LiteralString

import numpy as np
from psycopg import Connection

from trackai_pipelines.database.statements import statement

_BITS_A_USER = 24
"""So many at least: of other users, one in so many passes."""
_MOST_BITS = 1 << 27
"""16 MB. Of very many users more of the others pass."""


def read_user_bits(connection: Connection[Any], name: LiteralString) -> Mapping[str, bytes | int]:
    """Return parameters of statements: `bits`, of which those of the users that a statement packs are set, and `mask`.

    The bit of a user is the hash with the seed 7, `& mask`.
    """
    with connection.cursor(binary=True) as cursor:
        (packed,) = cursor.execute(statement(name)).fetchone() or (None,)
    hashes = np.frombuffer(packed or b"", dtype=">i8").astype(np.int64)
    size = min(max(8, 1 << (_BITS_A_USER * len(hashes)).bit_length()), _MOST_BITS)
    bits = np.zeros(size, dtype=np.bool_)
    bits[hashes & (size - 1)] = True
    return {"bits": np.packbits(bits, bitorder="little").tobytes(), "mask": size - 1}
