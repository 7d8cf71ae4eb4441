"""Binary fractions: the decimals that floats of 16 and 32 bits stand for.

What belongs here: from a float to the decimal that somebody wrote into it. What does not: which amounts a row may have
(`fields`). A float of 64 bits needs nothing: its `repr` is the shortest decimal already.
"""

import struct
from decimal import Decimal
from typing import Literal

# Digits that tell all floats of a width apart.
_MOST_DIGITS = {"e": 5, "f": 9}


def shortest_decimal(value: float, width: Literal["e", "f"]) -> Decimal:
    """Return the shortest decimal that gives this float of 16 bits (`e`) or 32 bits (`f`)."""
    for digits in range(1, _MOST_DIGITS[width] + 1):
        text = f"{value:.{digits}g}"
        try:
            packed = struct.pack(width, float(text))
        except OverflowError:
            # Rounded up to so few digits, the largest floats are none of this width.
            continue
        if struct.unpack(width, packed)[0] == value:
            break
    return Decimal(text)


def without_noise(value: Decimal) -> Decimal:
    """Return what a float of 32 bits stands for where the number is exactly one: 129.89999389648438 is 129.9.

    By chance a number of ten digits or more is one once in 2^29 times.
    """
    try:
        single = struct.unpack("f", struct.pack("f", float(value)))[0]
    except OverflowError:
        return value
    is_one = single == float(value) and len(value.as_tuple().digits) > _MOST_DIGITS["f"]
    return shortest_decimal(single, "f") if is_one else value
