"""Feature flags in Dagster."""

import dagster as dg

from trackai_pipelines.flags.defs import catalogue, checks, members, plans, usage

defs = dg.Definitions(
    assets=[
        catalogue.feature_flags,
        usage.feature_flag_analytics,
        usage.feature_flag_exposures,
        members.flag_segment_members,
    ],
    asset_checks=[
        checks.every_sale_has_one_value,
        checks.matching_agrees_with_gates,
        checks.settings_equal_history,
        checks.flag_history_is_complete,
        checks.analytics_equal_usage,
        checks.exposures_repeat,
        checks.stale_flags,
    ],
    jobs=[plans.apply_flag_plans, usage.aggregate_flag_usage, members.refresh_flag_segments, checks.check_flags],
    schedules=[
        plans.five_minutely_flag_plans,
        usage.nightly_flag_analytics,
        members.nightly_flag_segments,
        checks.daily_flag_checks,
    ],
    sensors=[catalogue.flag_changes_sensor],
)
