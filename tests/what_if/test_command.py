"""`trackai what-if` with another value of a gate."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from matching.facts import SALE, insert_click, insert_sale
from psycopg import Connection
from typer.testing import Result

from trackai_pipelines.matching.drain import drain

DAYS = ("--from", "2026-03-10", "--to", "2026-03-10")


def test_another_value_of_a_gate_is_asked_about(
    connection: Connection[Any], add_tenant: Callable[..., str], trackai: Callable[..., Result]
) -> None:
    tenant = add_tenant("acme", lookback_days=1)
    click = insert_click(connection, tenant, SALE - timedelta(days=3), fbclid="k")
    connection.execute(
        "INSERT INTO trackai.identities (tenant_id, email_hash, click_id) VALUES (%s, %s, %s)",
        [tenant, "a" * 64, click],
    )
    insert_sale(connection, tenant, "by click", fbclid="k")
    insert_sale(connection, tenant, "by e-mail", customer_email_hash="a" * 64)
    drain(connection, run_id="test")
    stored = connection.execute("SELECT * FROM trackai.matched_attributions ORDER BY conversion_id").fetchall()

    def counts(*asked: str) -> tuple[int, int, int]:
        result = trackai("what-if", *DAYS, *asked, "--json")
        assert result.exit_code == 0, result.output
        (row,) = json.loads(result.stdout)
        return row["fbc"], row["email"], row["unmatched"]

    assert counts() == (0, 0, 2)
    # The click is too old for the window that the sale has.
    assert counts("--flag", "email_matching=true") == (0, 0, 2)
    assert counts("--flag", "lookback_days=7") == counts("--lookback-days", "7") == (1, 0, 1)
    assert counts("--flag", "lookback_days=7", "--flag", "email_matching=true") == (1, 1, 0)
    assert stored == connection.execute("SELECT * FROM trackai.matched_attributions ORDER BY conversion_id").fetchall()
    for wrong in (("--flag", "dark_mode=true"), ("--flag", "lookback_days=7", "--lookback-days", "7")):
        refused = trackai("what-if", *DAYS, *wrong)
        assert refused.exit_code == 2
