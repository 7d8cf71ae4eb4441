"""Loyalty in Dagster."""

import dagster as dg

from trackai_pipelines.loyalty.defs import ledger, ledger_checks

defs = dg.Definitions(
    assets=[ledger.sales_ledger, ledger.loyalty_daily_credit],
    asset_checks=[*ledger_checks.CHECKS],
    jobs=[ledger.post_loyalty_sales, ledger.credit_loyalty_sales],
    schedules=[ledger.nightly_loyalty_credit],
)
