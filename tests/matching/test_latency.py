"""Percentiles from buckets, against the exact ones."""

import math
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matching.facts import insert_sale
from psycopg import Connection

from trackai_pipelines.matching.drain import drain
from trackai_pipelines.matching.latency import percentile_seconds

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


def bucket_of(milliseconds: float) -> int:
    """By its definition: the whole number of eighths of a doubling from one millisecond."""
    return next(b for b in range(400) if milliseconds < 2 ** ((b + 1) / 8) * (1 - 1e-12))


@given(st.lists(st.floats(min_value=1, max_value=10**7), min_size=1, max_size=200), st.sampled_from([0.5, 0.95, 0.99]))
def test_a_percentile_is_at_most_a_bucket_above_the_exact_one(milliseconds: list[float], share: float) -> None:
    exact = sorted(milliseconds)[math.ceil(share * len(milliseconds)) - 1] / 1000
    found = percentile_seconds(Counter(map(bucket_of, milliseconds)), share)
    assert found is not None
    assert exact <= found * (1 + 1e-9)
    assert found <= exact * 2 ** (1 / 8) * (1 + 1e-9)


def test_no_conversions_no_percentile() -> None:
    assert percentile_seconds(Counter(), 0.95) is None


@pytest.mark.parametrize("milliseconds", [0, 1, 7, 250, 1000, 61_000, 86_400_000])
def test_the_statement_counts_into_the_bucket(connection: Connection[Any], add_tenant: Any, milliseconds: int) -> None:
    sale = insert_sale(connection, add_tenant("acme"), "sale")
    row = connection.execute("SELECT created_at FROM trackai.conversions WHERE id = %s", [sale]).fetchone()
    assert row is not None
    # Half a millisecond later: no figure lies on the border of two buckets.
    moment = row[0] + timedelta(milliseconds=milliseconds + 0.5)
    report = drain(connection, run_id="r", clock=lambda: moment)
    assert report.latencies == {bucket_of(max(1, milliseconds + 0.5)): 1}
