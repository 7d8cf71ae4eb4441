"""What doctor finds of ingest: whether the landing folder is there, and whether files wait in it."""

from collections.abc import Iterator

from trackai_pipelines.domain import Checkup, Finding, Level
from trackai_pipelines.ingest.arrivals import waiting_files
from trackai_pipelines.ingest.kinds import kinds_of
from trackai_pipelines.settings import Settings


def health(checkup: Checkup) -> Iterator[Finding]:
    """Yield one finding."""
    folder = Settings().landing_dir
    if not folder.is_dir():
        fix = "Make it, or set TRACKAI_LANDING_DIR."
        yield Finding("landing folder", Level.WARN, f"{folder} does not exist", fix)
    elif waiting := waiting_files(checkup.connection, folder, kinds=kinds_of(checkup.domains)):
        fix = f"Run `trackai ingest '{folder}'`, or `trackai up`, which loads it by itself."
        yield Finding("landing folder", Level.WARN, f"{len(waiting)} files wait to be loaded", fix)
    else:
        yield Finding("landing folder", Level.OK, f"no file waits in {folder}")
