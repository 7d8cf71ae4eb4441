"""Ratios: exact to the decimals, and NULL where the denominator is 0 or unknown."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from campaigns.reference import vectors
from psycopg import Connection
from psycopg.rows import dict_row


@pytest.mark.parametrize("case", vectors("ratios"), ids=lambda case: str(case["input"]))
def test_ratios(connection: Connection[Any], case: Mapping[str, Any]) -> None:
    given = {name: None if value is None else Decimal(value) for name, value in case["input"].items()}
    with connection.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(
            "SELECT trackai.ratio(%(ad_clicks)s, %(impressions)s) AS click_through_rate,"
            " trackai.ratio(%(engagements)s, %(impressions)s) AS engagement_rate,"
            " trackai.ratio(%(conversions)s, %(clicks)s) AS conversion_rate,"
            " trackai.ratio(%(unique_clicks)s, %(ad_clicks)s) AS arrival_rate,"
            " trackai.ratio(%(revenue)s, %(conversions)s, 4) AS avg_order_value,"
            " trackai.ratio(%(revenue)s, %(spend)s, 4) AS roas,"
            " trackai.ratio(100 * (%(revenue)s::numeric - %(spend)s), %(spend)s, 2) AS roi,"
            " trackai.ratio(%(spend)s, %(conversions)s, 4) AS cpa,"
            " trackai.ratio(%(spend)s, %(ad_clicks)s, 4) AS cpc,"
            " trackai.ratio(1000 * %(spend)s::numeric, %(impressions)s, 4) AS cpm",
            given,
        ).fetchone()
    assert found is not None
    expected = case["expected"]
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        if isinstance(value, str):
            assert str(found[name]) == value, name
        else:
            assert (None if found[name] is None else float(found[name])) == value, name
