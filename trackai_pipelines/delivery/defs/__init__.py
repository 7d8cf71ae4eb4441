"""Delivery in Dagster: dispatches as an asset, jobs, a sensor, checks, and the tokens as a resource."""

import dagster as dg

from trackai_pipelines.delivery.defs import assets, checks, jobs, schedules, sensors
from trackai_pipelines.delivery.defs.resources import capi_tokens

defs = dg.Definitions(
    assets=[assets.capi_dispatches],
    asset_checks=[checks.every_due_event_is_accounted_for, checks.oldest_due_event],
    jobs=[jobs.dispatch_conversions, jobs.check_delivery],
    sensors=[sensors.dispatch_sensor],
    schedules=[schedules.quarter_hourly_delivery_check],
    resources={"capi_tokens": capi_tokens},
)
