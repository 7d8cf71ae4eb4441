"""Ingest in Dagster: the assets that landing files fill, the job that loads them, and its sensor."""

from collections.abc import Sequence

import dagster as dg

from trackai_pipelines.domain import Domain
from trackai_pipelines.ingest.defs.assets import landing_assets
from trackai_pipelines.ingest.defs.jobs import ingest_landing_files
from trackai_pipelines.ingest.defs.sensors import landing_files_sensor


def defs_for(domains: Sequence[Domain]) -> dg.Definitions:
    """Return the definitions for the landing kinds of these domains."""
    return dg.Definitions(assets=[landing_assets(domains)], jobs=[ingest_landing_files], sensors=[landing_files_sensor])
