"""The jobs that deliver, and that look whether delivery keeps up."""

import dagster as dg

from trackai_pipelines.delivery.defs.assets import capi_dispatches

dispatch_conversions = dg.define_asset_job(
    "dispatch_conversions",
    # Why without them: checks.py.
    selection=dg.AssetSelection.assets(capi_dispatches).without_checks(),
    description="Delivers what is due to Meta's Conversions API. Those runs that dispatch_sensor starts stay and "
    "deliver what becomes due; one started by hand, or by a backfill, replays its days and ends: what was not accepted "
    "of them is tried again, what was accepted is not sent twice. Several at once share the work.",
)

check_delivery = dg.define_asset_job(
    "check_delivery",
    selection=dg.AssetSelection.checks_for_assets(capi_dispatches),
    description="Looks whether every event is accounted for, and how old the oldest is that waits. Sends nothing.",
)
