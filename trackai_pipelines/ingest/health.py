"""What doctor finds of ingest: whether the landing folder is there, and whether files wait in it."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from trackai_pipelines.domain import Checkup, Finding, Level
from trackai_pipelines.ingest.arrivals import waiting_files
from trackai_pipelines.ingest.files import landing_files, source_of
from trackai_pipelines.ingest.kinds import Kind, kinds_of
from trackai_pipelines.settings import Settings


def health(checkup: Checkup) -> Iterator[Finding]:
    """Yield whether the folder is there and files wait in it, and which files are passed over."""
    folder = Settings().landing_dir
    if not folder.is_dir():
        fix = "Make it, or set TRACKAI_LANDING_DIR."
        yield Finding("landing folder", Level.WARN, f"{folder} does not exist", fix)
    elif waiting := waiting_files(checkup.connection, folder, kinds=kinds_of(checkup.domains)):
        fix = f"Run `trackai ingest '{folder}'`, or `trackai up`, which loads it by itself."
        yield Finding("landing folder", Level.WARN, f"files that wait to be loaded: {len(waiting):,}", fix)
    else:
        yield Finding("landing folder", Level.OK, f"no file waits in {folder}")
    if folder.is_dir():
        yield from _passed_over(folder, kinds_of(checkup.domains))


def _passed_over(folder: Path, kinds: Sequence[Kind]) -> Iterator[Finding]:
    _, ignored = landing_files([folder], landing_dir=folder, kinds=kinds)
    if ignored:
        first = ignored[0]
        found = f"files passed over: {len(ignored):,}, e.g. {source_of(first.path, folder)}: {first.reason}"
        yield Finding(
            "landing files", Level.WARN, found, "Run `trackai ingest` on the folder to see the reason for each."
        )
