"""Currencies and their decimals."""

import pytest

from trackai_pipelines.money import is_currency, minor_units


def test_currencies() -> None:
    assert (minor_units("BRL"), minor_units("JPY"), minor_units("KWD"), minor_units("CLF")) == (2, 0, 3, 4)
    assert minor_units("HRK") == 2, "sales from before the euro are replayed"
    assert is_currency("USD")
    for code in ("brl", "XXX", "XAU", "ZZZ", "", "BR"):
        assert not is_currency(code)
        with pytest.raises(ValueError, match="ISO 4217"):
            minor_units(code)
