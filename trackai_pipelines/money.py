"""Money: which codes are currencies, and how many decimals each has (ISO 4217).

Here: the table of currencies. Not here: amounts in a file or payload (`ingest`), or on their way out (`delivery`).
"""

from functools import cache

# Withdrawn from ISO 4217 since 2020 and gone from its table; older sales in them are still replayed.
_WITHDRAWN = {"ANG": 2, "BGN": 2, "CUC": 2, "HRK": 2, "SLL": 2, "ZWL": 2}


def is_currency(code: str) -> bool:
    """Return whether the code is an upper-case ISO 4217 code of money with minor units (not a metal, not `XXX`)."""
    return code in _minor_units()


def minor_units(code: str) -> int:
    """Return the number of decimals of a currency (ISO 4217), such as 2 for BRL. Raises ValueError for other codes."""
    units = _minor_units().get(code)
    if units is None:
        raise ValueError("this is no currency code of ISO 4217: give three upper-case letters such as BRL")
    return units


@cache
def _minor_units() -> dict[str, int]:
    from iso4217 import Currency

    units = {currency.code: currency.exponent for currency in Currency if currency.exponent is not None}
    return _WITHDRAWN | units
