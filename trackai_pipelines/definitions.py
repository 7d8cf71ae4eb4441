"""The code location: every domain's Dagster definitions, put together.

What belongs here: the assembly, and the resources it runs with. What does not: any asset, job or sensor itself.
"""

from collections.abc import Mapping

import dagster as dg

from trackai_pipelines.alerts.defs import sensors as alert_sensors
from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.delivery.defs import assets as delivery_assets
from trackai_pipelines.delivery.defs import checks as delivery_checks
from trackai_pipelines.delivery.defs import jobs as delivery_jobs
from trackai_pipelines.delivery.defs import schedules as delivery_schedules
from trackai_pipelines.delivery.defs import sensors as delivery_sensors
from trackai_pipelines.delivery.defs.resources import capi_tokens
from trackai_pipelines.facts.defs import checks as ingest_checks
from trackai_pipelines.ingest.defs import assets as ingest_assets
from trackai_pipelines.ingest.defs import jobs as ingest_jobs
from trackai_pipelines.ingest.defs import sensors as ingest_sensors
from trackai_pipelines.lifecycle.defs import checks as lifecycle_checks
from trackai_pipelines.lifecycle.defs import jobs as lifecycle_jobs
from trackai_pipelines.lifecycle.defs import schedules as lifecycle_schedules
from trackai_pipelines.match_rates.defs import assets as match_rates_assets
from trackai_pipelines.match_rates.defs import checks as match_rates_checks
from trackai_pipelines.match_rates.defs import jobs as match_rates_jobs
from trackai_pipelines.match_rates.defs import schedules as match_rates_schedules
from trackai_pipelines.matching.defs import assets as matching_assets
from trackai_pipelines.matching.defs import checks as matching_checks
from trackai_pipelines.matching.defs import jobs as matching_jobs
from trackai_pipelines.matching.defs import schedules as matching_schedules
from trackai_pipelines.matching.defs import sensors as matching_sensors


def build_definitions(*, resources: Mapping[str, object] | None = None) -> dg.Definitions:
    """All definitions; `resources` replaces those of the same name, e.g. a test's `database`.

    A deployment puts its own secret store in as `capi_tokens`: any object like delivery.tokens.TokenStore.
    """
    return dg.Definitions(
        assets=[
            ingest_assets.landing_files,
            matching_assets.matched_attributions,
            matching_assets.match_log,
            match_rates_assets.daily_match_rates,
            delivery_assets.capi_dispatches,
        ],
        asset_checks=[
            ingest_checks.no_duplicate_conversions,
            matching_checks.exactly_one_attribution,
            matching_checks.log_agrees_with_attributions,
            match_rates_checks.match_rates_in_bounds,
            match_rates_checks.yesterday_is_complete,
            delivery_checks.every_due_event_is_accounted_for,
            delivery_checks.oldest_due_event,
            lifecycle_checks.partitions_ahead,
            lifecycle_checks.retention_keeps_up,
        ],
        jobs=[
            ingest_jobs.ingest_landing_files,
            matching_jobs.match_conversions,
            matching_jobs.rematch_unmatched,
            matching_jobs.check_matching,
            match_rates_jobs.aggregate_match_rates,
            delivery_jobs.dispatch_conversions,
            delivery_jobs.check_delivery,
            lifecycle_jobs.maintain_partitions,
            lifecycle_jobs.apply_retention,
            lifecycle_jobs.prune_dagster_history,
        ],
        sensors=[
            ingest_sensors.landing_files_sensor,
            matching_sensors.match_sensor,
            matching_sensors.late_clicks_sensor,
            delivery_sensors.dispatch_sensor,
            alert_sensors.run_failure_alert_sensor,
        ],
        schedules=[
            matching_schedules.hourly_matching_check,
            match_rates_schedules.nightly_match_rates,
            delivery_schedules.quarter_hourly_delivery_check,
            lifecycle_schedules.daily_partition_maintenance,
            lifecycle_schedules.daily_retention,
            lifecycle_schedules.daily_history_pruning,
        ],
        resources={"database": EventDatabase(), "capi_tokens": capi_tokens, **(resources or {})},
        # The work is the database's. A process for each step, Dagster's default, would add seconds to every asset and
        # every check of a run, and gain nothing.
        executor=dg.in_process_executor,
    )


defs = build_definitions()
