"""What doctor finds of ingest: whether the landing folder is there, and whether files wait in it."""

from collections.abc import Iterator, Sequence

from trackai_pipelines.domain import Checkup, Finding, Level
from trackai_pipelines.ingest.arrivals import waiting_files
from trackai_pipelines.ingest.files import source_of
from trackai_pipelines.ingest.kinds import Kind, kinds_of
from trackai_pipelines.ingest.zones import LandingError, Zone, zone_of
from trackai_pipelines.settings import Settings


def health(checkup: Checkup) -> Iterator[Finding]:
    """Yield whether the folder is there and files wait in it, and which files are passed over."""
    try:
        yield from _findings(checkup, Settings())
    except (LandingError, OSError) as error:
        fix = "Give this process access to it, or set TRACKAI_LANDING_DIR."
        yield Finding("landing folder", Level.FAIL, f"it cannot be read: {error}", fix)


def _findings(checkup: Checkup, settings: Settings) -> Iterator[Finding]:
    place, kinds = settings.landing_url, kinds_of(checkup.domains)
    zone = zone_of(place, days=settings.landing_days)
    if not zone.exists():
        fix = "Make it, or set TRACKAI_LANDING_DIR."
        yield Finding("landing folder", Level.WARN, f"{place} does not exist", fix)
        return
    if waiting := waiting_files(checkup.connection, place, kinds=kinds, days=settings.landing_days):
        fix = f"Run `trackai ingest '{place}'`, or `trackai up`, which loads it by itself."
        yield Finding("landing folder", Level.WARN, f"files that wait to be loaded: {len(waiting):,}", fix)
    else:
        yield Finding("landing folder", Level.OK, f"no file waits in {place}")
    yield from _passed_over(zone, kinds)


def _passed_over(zone: Zone, kinds: Sequence[Kind]) -> Iterator[Finding]:
    _, ignored = zone.files([zone.root], kinds)
    if ignored:
        first = ignored[0]
        found = f"files passed over: {len(ignored):,}, e.g. {source_of(first.path, zone.root)}: {first.reason}"
        yield Finding(
            "landing files", Level.WARN, found, "Run `trackai ingest` on the folder to see the reason for each."
        )
