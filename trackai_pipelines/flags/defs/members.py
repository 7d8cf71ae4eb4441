"""Members of segments in Dagster: those by conversions are computed each night."""

import dagster as dg

from trackai_pipelines.database.defs.metadata import table_metadata
from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.flags.memberships import refresh_members


@dg.asset(
    group_name="flags",
    deps=["feature_flags", "feature_flag_segment_members", "user_conversions", "matched_attributions"],
    owners=["team:tracking"],
    kinds={"postgres"},
    metadata={"dagster/table_name": "trackai.feature_flag_segment_members"},
    description="Users in segments by conversions, computed whole from the conversions of the complete UTC days that "
    "each segment asks for. Members of lists come in landing files.",
)
def flag_segment_members(database: EventDatabase) -> dg.MaterializeResult[None]:
    """Compute the members of every segment by conversions."""
    with database.connect("flag segments") as connection:
        done = list(refresh_members(connection))
        return dg.MaterializeResult(
            metadata={
                "segments": len(done),
                "members came": sum(one.came for one in done),
                "members went": sum(one.gone for one in done),
                "members by segment": {one.segment: one.members for one in done},
                **table_metadata(connection, "feature_flag_segment_members"),
            }
        )


refresh_flag_segments = dg.define_asset_job(
    "refresh_flag_segments",
    selection=dg.AssetSelection.assets(flag_segment_members),
    description="Computes the members of segments by conversions. Safe to repeat.",
)

# After the links between users and conversions of the night.
nightly_flag_segments = dg.ScheduleDefinition(
    name="nightly_flag_segments",
    job=refresh_flag_segments,
    cron_schedule="35 0 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="At 00:35 UTC: computes the members of segments by conversions. One run.",
)
