"""Loyalty in Dagster."""

import dagster as dg

from trackai_pipelines.loyalty.defs import (
    ledger,
    ledger_checks,
    reconciling,
    reward_checks,
    rewards,
    tier_checks,
    tiers,
)

defs = dg.Definitions(
    assets=[ledger.sales_ledger, ledger.loyalty_daily_credit, tiers.tier_checkpoints, rewards.loyalty_rewards],
    asset_checks=[*ledger_checks.CHECKS, *tier_checks.CHECKS, *reward_checks.CHECKS],
    jobs=[
        ledger.post_loyalty_sales,
        ledger.credit_loyalty_sales,
        ledger.retire_sales_reports,
        tiers.evaluate_loyalty,
        tiers.replay_loyalty,
        reconciling.reconcile_loyalty,
    ],
    schedules=[
        ledger.nightly_loyalty_credit,
        ledger.daily_report_retirement,
        tiers.hourly_loyalty,
        reconciling.daily_loyalty_checks,
    ],
)
