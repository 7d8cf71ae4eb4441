"""Feature flags in Dagster."""

import dagster as dg

from trackai_pipelines.flags.defs import plans

defs = dg.Definitions(jobs=[plans.apply_flag_plans], schedules=[plans.five_minutely_flag_plans])
