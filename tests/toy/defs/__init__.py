"""The toy domain in Dagster: an asset made of the calls, its job and its check."""

import dagster as dg
from toy.calls import calls_and_seconds

from trackai_pipelines.database.defs.resources import EventDatabase


@dg.asset(group_name="toy", deps=["toy_calls"], description="How many calls there are, and how long they took.")
def toy_totals(database: EventDatabase) -> dg.MaterializeResult[None]:
    """Count the calls."""
    with database.connect("toy") as connection:
        calls, seconds = calls_and_seconds(connection)
    return dg.MaterializeResult(metadata={"calls": calls, "seconds": seconds})


@dg.asset_check(asset="toy_totals", description="No call is shorter than nothing.")
def no_negative_calls(database: EventDatabase) -> dg.AssetCheckResult:
    """Look for calls with a negative length."""
    with database.connect("toy") as connection:
        row = connection.execute("SELECT count(*) FROM trackai.toy_calls WHERE seconds < 0").fetchone()
    return dg.AssetCheckResult(passed=row == (0,))


count_calls = dg.define_asset_job("count_calls", selection=["toy_totals"], description="Counts the calls.")

defs = dg.Definitions(assets=[toy_totals], asset_checks=[no_negative_calls], jobs=[count_calls])
