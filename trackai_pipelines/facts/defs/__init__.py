"""The facts in Dagster: their checks."""

import dagster as dg

from trackai_pipelines.facts.defs import checks

defs = dg.Definitions(
    asset_checks=[checks.no_duplicate_conversions],
)
