"""The jobs that match."""

import dagster as dg

from trackai_pipelines.matching.defs.assets import MatchConfig, matched_attributions

DRAIN_TAG = "trackai/drain"
"""Marks runs that drain the queue; the run queue limits how many there are at once."""

match_conversions = dg.define_asset_job(
    "match_conversions",
    selection=dg.AssetSelection.assets(matched_attributions),
    config=dg.RunConfig(ops={"matched_attributions": MatchConfig(rematch=False)}),
    tags={DRAIN_TAG: "match"},
    description="Matches every conversion that waits, whatever its day, in micro-batches of one transaction each. The "
    "run's partition is the day it runs on. Several at once share the work.",
)

rematch_unmatched = dg.define_asset_job(
    "rematch_unmatched",
    selection=dg.AssetSelection.assets(matched_attributions),
    config=dg.RunConfig(ops={"matched_attributions": MatchConfig(rematch=True)}),
    tags={DRAIN_TAG: "rematch"},
    description="Tries the unmatched conversions of the chosen UTC days again and logs every attempt. A range of days "
    "is one run.",
)
