"""The facts: clicks, identities and conversions, as landing files bring them.

What belongs here: the assets and what is shown of a load. What does not: reading or loading (ingest/).
"""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
from pydantic import Field

from trackai_pipelines.database.defs.metadata import table_metadata
from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.ingest.arrivals import waiting_files
from trackai_pipelines.ingest.load import FileReport, load_paths
from trackai_pipelines.settings import Settings

OWNERS = ["team:tracking"]


class LandingConfig(dg.Config):
    """Which landing files to load."""

    paths: list[str] = Field(default=[])
    """Files or folders; empty: every file of the landing folder that is new or changed."""


@dg.multi_asset(
    name="landing_files",
    group_name="ingest",
    specs=[
        dg.AssetSpec(
            "clicks",
            description="Ad clicks that reached a landing page, with Meta's click id (`fbclid`, `fbc`) and browser id "
            "(`fbp`). Immutable; one row a click, deduplicated by the producer's `external_id`.",
            owners=OWNERS,
            kinds={"postgres"},
        ),
        dg.AssetSpec(
            "identities",
            description="Who a click turned out to be: hashed e-mail and phone, captured together with a click. Used "
            "for matching only by tenants that turned e-mail matching on.",
            owners=OWNERS,
            kinds={"postgres"},
        ),
        dg.AssetSpec(
            "conversions",
            description="Paid sales told by payment gateways. Immutable; a webhook redelivered any number of times is "
            "one row. Everything refused is in `ingest_rejects` with its reason.",
            owners=OWNERS,
            kinds={"postgres"},
        ),
    ],
)
def landing_files(
    context: dg.AssetExecutionContext, config: LandingConfig, database: EventDatabase
) -> Iterator[dg.MaterializeResult[None]]:
    """Load landing files into the three fact tables; loading a file again changes nothing."""
    settings = Settings()
    if config.paths:
        paths = _still_there(context, [Path(path) for path in config.paths])
    else:
        with database.connect("ingest") as connection:
            paths = [waiting.file.path for waiting in waiting_files(connection, settings.landing_dir)]
    reports = load_paths(database.resolved_url(), paths, landing_dir=settings.landing_dir)
    for report in reports:
        if report.note:
            context.log.warning(f"{report.source}: {report.note}")
    context.log.info(f"{len(reports)} files, {sum(report.accepted for report in reports):,} new rows")
    with database.connect("ingest") as connection:
        for table in ("clicks", "identities", "conversions"):
            yield dg.MaterializeResult(
                asset_key=table,
                metadata={**load_metadata(table, reports), **table_metadata(connection, table)},
            )


def _still_there(context: dg.AssetExecutionContext, paths: list[Path]) -> list[Path]:
    """The paths that exist: one that was taken away since the sensor saw it must not stop the others."""
    found = [path for path in paths if path.exists()]
    if not found:
        raise dg.Failure(f"none of the {len(paths)} paths to load exists, e.g. {paths[0]}; check `paths`")
    for gone in set(paths) - set(found):
        context.log.warning(f"{gone} is not there any more; the other files are loaded")
    return found


def load_metadata(table: str, reports: list[FileReport]) -> dict[str, dg.MetadataValue]:
    """What a load brought for one fact table; webhooks are conversions."""
    kinds = {"conversions", "webhooks"} if table == "conversions" else {table}
    own = [report for report in reports if report.kind in kinds]
    rows = [
        f"| {report.source} | {report.accepted:,} | {report.duplicates:,} | {report.rejected:,} | {report.note or ''} |"
        for report in own[:50]
    ]
    return {
        "files": dg.MetadataValue.int(len(own)),
        "accepted": dg.MetadataValue.int(sum(report.accepted for report in own)),
        "duplicates": dg.MetadataValue.int(sum(report.duplicates for report in own)),
        "rejected": dg.MetadataValue.int(sum(report.rejected for report in own)),
        "loaded files": dg.MetadataValue.md(
            "\n".join(["| file | new | duplicates | rejected | note |", "|---|---:|---:|---:|---|", *rows])
        ),
    }
