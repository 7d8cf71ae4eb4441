"""Flags in Dagster: the catalogue as an asset that nothing here computes, and the sensor that reports its versions."""

from collections.abc import Mapping

import dagster as dg

from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.evaluations import evaluation_of
from trackai_pipelines.flags.defs.checks import (
    flag_history_is_complete,
    history_result,
    settings_equal_history,
    settings_result,
    stale_flags,
    staleness_result,
)
from trackai_pipelines.flags.recorded import RecordedVersion, versions_after
from trackai_pipelines.flags.wording import moment_in_words
from trackai_pipelines.sensor_watch import watched

_LOOK_SECONDS = 10
# Each is an event, which takes Dagster's storage about 15 ms; the rest waits for the next evaluation.
MOST_VERSIONS = 100

# Dagster shows a check as not evaluated once its asset has been materialised again. For 500 tenants that override four
# flags each these take two seconds, of the twenty that a watch leaves.
_CHECKS = (
    (settings_equal_history, settings_result),
    (flag_history_is_complete, history_result),
    (stale_flags, staleness_result),
)

feature_flags = dg.AssetSpec(
    "feature_flags",
    description="Flags, gates included, with what tenants set differently. People change them with `trackai flags` and "
    "plain SQL; every version is a materialisation, which `flag_changes_sensor` reports.",
    group_name="flags",
    owners=["team:tracking"],
    kinds={"postgres"},
)


@dg.sensor(
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Reports every version of a flag as a materialisation of feature_flags, with who changed what and why, "
    "and evaluates its checks; no run is started. An evaluation looks every ten seconds and takes minutes: each "
    "leaves a row in Dagster's storage.",
)
def flag_changes_sensor(
    context: dg.SensorEvaluationContext, database: EventDatabase
) -> dg.SensorResult | dg.SkipReason:
    """Report the versions after the last one that was reported, and whether flags agree with them."""
    last = int(context.cursor or 0)
    with database.connect("flag changes sensor") as connection:
        found = watched(lambda: versions_after(connection, last, most=MOST_VERSIONS), every_seconds=_LOOK_SECONDS)
        if not found:
            return dg.SkipReason(f"No flag was changed after version {last}.")
        evaluations = [evaluation_of(check, result_of(connection)) for check, result_of in _CHECKS]
    return dg.SensorResult(
        asset_events=[*(_materialised(one) for one in found), *evaluations], cursor=str(found[-1].version)
    )


def _materialised(one: RecordedVersion) -> dg.AssetMaterialization:
    return dg.AssetMaterialization(
        "feature_flags",
        description=f"{one.flag_key}: {one.change}",
        metadata=_metadata(one),
        tags={"dagster/data_version": str(one.version)},
    )


def _metadata(one: RecordedVersion) -> Mapping[str, str | int]:
    return {
        "version": one.version,
        "flag": one.flag_key,
        "tenant": one.tenant or "all",
        "change": one.change,
        "action": one.action or "unknown",
        "changed by": one.changed_by or "unknown",
        "reason": one.change_reason or "none was given",
        "effective from": moment_in_words(one.effective_from),
        "recorded at": moment_in_words(one.recorded_at),
    }
