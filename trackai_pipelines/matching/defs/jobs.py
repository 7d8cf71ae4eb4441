"""The jobs that match, and that look whether all is matched."""

import dagster as dg

from trackai_pipelines.matching.defs.assets import MatchConfig, match_log, matched_attributions

match_conversions = dg.define_asset_job(
    "match_conversions",
    # A check that is planned in a run that stays would be shown as in progress for as long.
    selection=dg.AssetSelection.assets(matched_attributions).without_checks(),
    config=dg.RunConfig(ops={"matched_attributions": MatchConfig(rematch=False)}),
    description="Matches every conversion that waits, whatever its day, in micro-batches of one transaction each. The "
    "run's partition is the day it starts on. Several at once share the work. Those that match_sensor starts stay and "
    "match what arrives; one started by hand ends when nothing waits.",
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
    description="Looks whether every conversion has its one attribution or waits, whether the log agrees, and whether "
    "the log has partitions ahead. Matches nothing.",
)
