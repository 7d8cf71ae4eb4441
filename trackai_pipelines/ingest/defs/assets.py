"""The assets that landing files fill, one for each landing kind.

What belongs here: the assets, and what is shown of a load. What does not: reading or loading (ingest/), and which kinds
there are (the domains).
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import dagster as dg
from pydantic import Field

from trackai_pipelines.database.defs.metadata import table_metadata
from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.domain import Domain
from trackai_pipelines.ingest.arrivals import waiting_files
from trackai_pipelines.ingest.kinds import kinds_of
from trackai_pipelines.ingest.load import FileReport, by_column, load_paths
from trackai_pipelines.ingest.zones import Zone, path_in, zone_of
from trackai_pipelines.settings import Settings

OWNERS = ["team:tracking"]
# Assets that landing files fill have it, which is how the job finds them.
SOURCE_TAG = ("trackai/source", "landing_files")


class LandingConfig(dg.Config):
    """Which landing files to load."""

    paths: list[str] = Field(default=[])
    """Files or folders, by their paths inside the landing folder; empty: every file of it that is new or changed."""


def landing_assets(domains: Sequence[Domain]) -> dg.AssetsDefinition:
    """Return the assets of the domains' kinds. A load materialises those that its files brought rows for."""
    kinds = kinds_of(domains)

    @dg.multi_asset(
        name="landing_files",
        specs=[
            dg.AssetSpec(
                kind.table,
                description=kind.says,
                group_name=domain.name,
                owners=OWNERS,
                kinds={"postgres"},
                tags=dict([SOURCE_TAG]),
                skippable=True,
            )
            for domain in domains
            for kind in domain.kinds()
        ],
        can_subset=True,
    )
    def landing_files(
        context: dg.AssetExecutionContext, config: LandingConfig, database: EventDatabase
    ) -> Iterator[dg.MaterializeResult[None]]:
        """Load landing files; loading a file again changes nothing."""
        settings = Settings()
        landing = settings.landing_url
        if config.paths:
            paths = _still_there(context, zone_of(landing), config.paths)
        else:
            with database.connect("ingest") as connection:
                waiting = waiting_files(connection, landing, kinds=kinds, days=settings.landing_days)
            paths = [found.file.path for found in waiting]
        reports = load_paths(database.resolved_url(), paths, landing_dir=landing, kinds=kinds)
        for report in reports:
            if report.note:
                context.log.warning(f"{report.source}: {report.note}")
        context.log.info(f"{len(reports)} files, {sum(report.accepted for report in reports):,} new rows")
        yield from _materialised(database, reports, {kind.name: kind.table for kind in kinds})

    return landing_files


def _materialised(
    database: EventDatabase, reports: list[FileReport], tables: Mapping[str, str]
) -> Iterator[dg.MaterializeResult[None]]:
    """Yield what a load brought, for each kind that it brought something of."""
    with database.connect("ingest") as connection:
        for kind in dict.fromkeys(name for report in reports for name in report.by_kind):
            metadata = {**load_metadata(kind, reports), **table_metadata(connection, tables[kind])}
            yield dg.MaterializeResult(asset_key=tables[kind], metadata=metadata)


def _still_there(context: dg.AssetExecutionContext, zone: Zone, names: list[str]) -> list[Path]:
    """Return the paths that exist: one that was taken away since the sensor saw it must not stop the others."""
    paths = [path_in(zone, name) for name in names]
    found = [path for path in paths if zone.has(path)]
    if not found:
        raise dg.Failure(f"none of the {len(paths)} paths to load exists, e.g. {paths[0]}; check `paths`")
    for gone in set(paths) - set(found):
        context.log.warning(f"{gone} is no longer there; the other files are loaded")
    return found


def load_metadata(kind: str, reports: list[FileReport]) -> dict[str, dg.MetadataValue]:
    """Return what a load brought of one kind, in files of its own or of webhooks."""
    own = [(report, report.by_kind[kind]) for report in reports if kind in report.by_kind]
    rows = [
        f"| {report.source} | {rows.accepted:,} | {rows.duplicates:,} | {rows.rejected:,} "
        f"| {sum(rows.left_out.values()):,} | {report.note or ''} |"
        for report, rows in own[:50]
    ]
    left_out = sum((Counter(rows.left_out) for _, rows in own), Counter())
    return {
        "files": dg.MetadataValue.int(len(own)),
        "accepted": dg.MetadataValue.int(sum(rows.accepted for _, rows in own)),
        "duplicates": dg.MetadataValue.int(sum(rows.duplicates for _, rows in own)),
        "rejected": dg.MetadataValue.int(sum(rows.rejected for _, rows in own)),
        "values left out": dg.MetadataValue.json(by_column(left_out)),
        "loaded files": dg.MetadataValue.md(
            "\n".join(
                ["| file | new | duplicates | rejected | left out | note |", "|---|---:|---:|---:|---:|---|", *rows]
            )
        ),
    }
