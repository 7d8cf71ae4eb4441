"""The jobs that deliver, and that check whether delivery keeps up."""

import dagster as dg

from trackai_pipelines.delivery.defs.assets import capi_dispatches

dispatch_conversions = dg.define_asset_job(
    "dispatch_conversions",
    # checks.py says why the checks are left out.
    selection=dg.AssetSelection.assets(capi_dispatches).without_checks(),
    description="Delivers what is due to Meta's Conversions API. Runs that dispatch_sensor starts stay and deliver "
    "what becomes due. A run started by hand, or by a backfill, replays its days and ends: sales that were not "
    "accepted are tried again, accepted ones are not sent twice. Several runs at once share the work.",
)

check_delivery = dg.define_asset_job(
    "check_delivery",
    selection=dg.AssetSelection.checks_for_assets(capi_dispatches),
    description="Checks that every event is accounted for, and how old the oldest waiting one is. Sends nothing.",
)
