"""The jobs that match, and that check whether everything is matched."""

import dagster as dg

from trackai_pipelines.matching.defs.assets import MatchConfig, match_log, matched_attributions

match_conversions = dg.define_asset_job(
    "match_conversions",
    # Dagster would show a check as in progress for as long as a resident run stays.
    selection=dg.AssetSelection.assets(matched_attributions).without_checks(),
    config=dg.RunConfig(ops={"matched_attributions": MatchConfig(rematch=False)}),
    description="Matches every conversion that waits, whatever its day, in micro-batches of one transaction each. The "
    "run's partition is the day it starts on. Several runs at once share the work. Runs that match_sensor starts stay "
    "and match what arrives; a run started by hand ends when nothing waits.",
)

rematch_unmatched = dg.define_asset_job(
    "rematch_unmatched",
    selection=dg.AssetSelection.assets(matched_attributions),
    config=dg.RunConfig(ops={"matched_attributions": MatchConfig(rematch=True)}),
    description="Tries the unmatched conversions of the chosen UTC days again and logs every attempt. A range of days "
    "is one run.",
)

check_matching = dg.define_asset_job(
    "check_matching",
    selection=dg.AssetSelection.checks_for_assets(matched_attributions, match_log),
    description="Checks that every conversion has exactly one attribution or waits, that the log agrees, and that the "
    "log has partitions ahead. Matches nothing.",
)
