"""Landing files: which files are to be loaded, and what their names and folders say about them.

Here: names, folders, kinds, fingerprints. Not here: what is inside a file (`streams`, `formats`), and whether it
has been loaded before (`arrivals`).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from trackai_pipelines.facts.gateways import READERS

# The order in which kinds are loaded. Identities name clicks and conversions look for both, so that nothing has
# to be linked or matched again later; the outcome is the same in any order.
KINDS = ("clicks", "identities", "conversions", "webhooks")

FACT_SUFFIXES = (".jsonl", ".jsonl.gz", ".csv", ".csv.gz", ".parquet")
WEBHOOK_SUFFIXES = (".json", ".json.gz", ".jsonl", ".jsonl.gz")
# How programs name a file that they are still writing.
_UNFINISHED = (".tmp", ".part")


@dataclass(frozen=True, slots=True)
class LandingFile:
    """A file to load.

    `source` is its path inside the landing folder (absolute for a file elsewhere), with `/` between the parts.
    `folder` is the name of the folder that tells the tenant where its rows do not; it need not be a tenant.
    `suffix` is one of FACT_SUFFIXES or WEBHOOK_SUFFIXES; `gateway` is set for webhooks alone.
    """

    path: Path
    source: str
    kind: str
    suffix: str
    folder: str
    gateway: str | None = None


@dataclass(frozen=True, slots=True)
class IgnoredFile:
    """A file that is left alone, with the reason in words."""

    path: Path
    reason: str


def landing_files(paths: Iterable[Path], *, landing_dir: Path) -> tuple[list[LandingFile], list[IgnoredFile]]:
    """The files to load among files and folders (searched to any depth), in loading order, and those ignored.

    Hidden files and unfinished ones (`*.tmp`, `*.part`) are in neither list. Raises FileNotFoundError for a path
    that does not exist.
    """
    files: dict[str, LandingFile] = {}
    ignored: dict[Path, IgnoredFile] = {}
    for given in paths:
        if not given.exists():
            raise FileNotFoundError(f"there is no file or folder {given}; check the path and try again")
        for path in _visible_files(given.absolute()):
            found = landing_file(path, landing_dir=landing_dir)
            if isinstance(found, LandingFile):
                files[found.source] = found
            else:
                ignored[path] = found
    ordered = sorted(files.values(), key=lambda file: (KINDS.index(file.kind), file.source))
    return ordered, sorted(ignored.values(), key=lambda file: file.path)


def landing_file(path: Path, *, landing_dir: Path) -> LandingFile | IgnoredFile:
    """What the name and the folders of one file say about it."""
    name = path.name.lower()
    if path.parent.parent.name == "webhooks":
        gateway = path.parent.name
        suffix = _suffix(name, WEBHOOK_SUFFIXES)
        if gateway not in READERS:
            known = ", ".join(sorted(READERS))
            return IgnoredFile(path, f"no reader for the gateway {gateway!r}; there are readers for {known}")
        if suffix is None:
            return IgnoredFile(path, f"webhooks are read from {', '.join(WEBHOOK_SUFFIXES)}")
        folder = path.parent.parent.parent.name
        return LandingFile(path, source_of(path, landing_dir), "webhooks", suffix, folder, gateway)
    kind = next((kind for kind in KINDS[:3] if name.startswith(kind)), None)
    suffix = _suffix(name, FACT_SUFFIXES)
    if kind is None or suffix is None:
        return IgnoredFile(
            path,
            "not a landing file: those are named clicks*, identities* or conversions* and end in "
            + ", ".join(FACT_SUFFIXES),
        )
    return LandingFile(path, source_of(path, landing_dir), kind, suffix, path.parent.name)


def source_of(path: Path, landing_dir: Path) -> str:
    """The name under which a file is known in the database; bytes that are not UTF-8 are shown as escapes."""
    absolute, root = path.absolute(), landing_dir.absolute()
    inside = absolute.is_relative_to(root)
    name = (absolute.relative_to(root) if inside else absolute).as_posix()
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def fingerprint(path: Path) -> str:
    """Size and modification time: differs once the file has been written again."""
    state = path.stat()
    return f"{state.st_size}-{state.st_mtime_ns}"


def _visible_files(path: Path) -> Iterator[Path]:
    """The file itself, or all files below a folder that are neither hidden nor unfinished."""
    if path.is_file():
        yield path
        return
    for entry in sorted(path.iterdir()):
        hidden = entry.name.startswith(".")
        # A link to a folder may lead back here.
        if entry.is_dir() and not hidden and not entry.is_symlink():
            yield from _visible_files(entry)
        elif entry.is_file() and not hidden and not entry.name.lower().endswith(_UNFINISHED):
            yield entry


def _suffix(name: str, suffixes: tuple[str, ...]) -> str | None:
    # Longest first: `.jsonl.gz` before `.jsonl`.
    return next((suffix for suffix in sorted(suffixes, key=len, reverse=True) if name.endswith(suffix)), None)
