"""The worked example's ledger: its digests, and its months."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from loyalty.sources import NOW, insert
from psycopg import Connection

from trackai_pipelines.database.statements import statement

EXAMPLE = json.loads((Path(__file__).parent / "vectors" / "loyalty.json").read_text())["worked_example"]
ENTRY = ("source", "source_ref", "user_id", "revision", "sale_day", "amount", "units", "currency")


@pytest.mark.parametrize("slug", ["acme", "bella"])
def test_the_digests_of_postings_and_the_months(
    connection: Connection[Any], add_tenant: Callable[..., str], slug: str
) -> None:
    """SQL's digests are those of the example and of Python; months are sums of the ledger."""
    tenant = add_tenant(slug)
    lines: dict[int, list[str]] = defaultdict(list)
    months: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    ledger = [entry for entry in EXAMPLE["ledger"] if entry["tenant_id"] == slug]
    for entry in ledger:
        values = {name: entry[name] for name in (*ENTRY, "posting_no", "occurred_at")}
        recorded = datetime.combine(date.fromisoformat(entry["recorded_on"]), datetime.min.time(), UTC)
        insert(connection, "sales_ledger", tenant_id=tenant, recorded_at=recorded, **values)
        lines[entry["posting_no"]].append("|".join(str(entry[name]) for name in ENTRY))
        months[entry["user_id"], entry["sale_day"][:7], entry["currency"]] += Decimal(entry["amount"])
    digest = "0" * 64
    for number in sorted(lines):
        about = {"tenant_id": tenant, "posting_no": number, "now": NOW, "run_id": None}
        connection.execute(statement("loyalty/insert_posting"), about)
        digest = hashlib.sha256("\n".join([digest, *sorted(lines[number])]).encode()).hexdigest()
        lines[number] = [digest]
    stored = dict(connection.execute("SELECT posting_no, digest FROM trackai.ledger_postings").fetchall())
    assert {number: [digest] for number, digest in stored.items()} == lines
    for expected in EXAMPLE["posting_digests"][slug].values():
        assert stored[expected["posting_no"]] == expected["digest"]

    found = {
        (user, period, currency): (tiktok, total, units)
        for user, period, currency, tiktok, total, units in connection.execute(
            "SELECT user_id, period, currency, tiktok_sales, total_sales, checkpoint_units_sold FROM trackai.metrics"
        )
    }
    assert {month: total for month, (_, total, _) in found.items()} == months
    reported = sum(Decimal(entry["amount"]) for entry in ledger if entry["source"] == "csv")
    assert sum(tiktok for tiktok, _, _ in found.values()) == reported
    in_example = {entry["user_id"] for entry in ledger}
    for month in EXAMPLE["metrics_view"]:
        if month["user_id"] in in_example:
            # The example calls the sales of all sources tiktok_sales; here that is what syncs reported.
            _, total, units = found[month["user_id"], month["period"], month["currency"]]
            assert (total, units) == (Decimal(month["tiktok_sales"]), month["checkpoint_units_sold"]), month
