"""Landing files: which files to load, and what their names and folders say about them.

What belongs here: names, folders, fingerprints. What does not: what is inside a file (`streams`, `formats`), and
whether it has been loaded before (`arrivals`).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from trackai_pipelines.ingest.kinds import Kind, gateways_of

RECORD_SUFFIXES = (".jsonl", ".jsonl.gz", ".csv", ".csv.gz", ".parquet")
WEBHOOK_SUFFIXES = (".json", ".json.gz", ".jsonl", ".jsonl.gz", ".form", ".form.gz")
WEBHOOKS = "webhooks"
# How programs name a file that they are still writing.
_UNFINISHED = (".tmp", ".part")


@dataclass(frozen=True, slots=True)
class LandingFile:
    """A file to load.

    `source` is its path inside the landing folder (absolute for a file elsewhere), with `/` between the parts.
    `kinds` are those that its records may be of: one, or for webhooks all that read the gateway's payloads.
    `folder` is the name of the folder that names the tenant where rows do not; it need not be a tenant.
    `suffix` is one of RECORD_SUFFIXES or WEBHOOK_SUFFIXES; `gateway` is set for webhooks alone.
    """

    path: Path
    source: str
    kinds: tuple[Kind, ...]
    suffix: str
    folder: str
    gateway: str | None = None

    @property
    def kind(self) -> str:
        """The name of its kind, or `webhooks`."""
        return WEBHOOKS if self.gateway else self.kinds[0].name


@dataclass(frozen=True, slots=True)
class IgnoredFile:
    """A file that is left alone, with the reason in words."""

    path: Path
    reason: str


def landing_files(
    paths: Iterable[Path], *, landing_dir: Path, kinds: Sequence[Kind]
) -> tuple[list[LandingFile], list[IgnoredFile]]:
    """Return the files to load among files and folders (searched to any depth), in loading order, and those ignored.

    Kinds are loaded in the order given and webhooks last, so little has to be linked or matched again later; the
    outcome is the same in any order.

    Hidden files and unfinished ones (`*.tmp`, `*.part`) are in neither list. Raises FileNotFoundError for a path
    that does not exist.
    """
    files: dict[str, LandingFile] = {}
    ignored: dict[Path, IgnoredFile] = {}
    for given in paths:
        if not given.exists():
            raise FileNotFoundError(f"there is no file or folder {given}; check the path and try again")
        for path in _visible_files(given.absolute()):
            found = landing_file(path, landing_dir=landing_dir, kinds=kinds)
            if isinstance(found, LandingFile):
                files[found.source] = found
            else:
                ignored[path] = found
    order = {name: place for place, name in enumerate([*(kind.name for kind in kinds), WEBHOOKS])}
    ordered = sorted(files.values(), key=lambda file: (order[file.kind], file.source))
    return ordered, sorted(ignored.values(), key=lambda file: file.path)


def landing_file(path: Path, *, landing_dir: Path, kinds: Sequence[Kind]) -> LandingFile | IgnoredFile:
    """Return what the name and the folders of one file say about it."""
    name = path.name.lower()
    source = source_of(path, landing_dir)
    if path.parent.parent.name == WEBHOOKS:
        gateway, gateways = path.parent.name, gateways_of(kinds)
        suffix = _suffix(name, WEBHOOK_SUFFIXES)
        if gateway not in gateways:
            known = ", ".join(sorted(gateways))
            return IgnoredFile(path, f"no reader for the gateway {gateway!r}; there are readers for {known}")
        if suffix is None:
            return IgnoredFile(path, f"webhooks are read from {', '.join(WEBHOOK_SUFFIXES)}")
        folder = path.parent.parent.parent.name
        return LandingFile(path, source, tuple(gateways[gateway]), suffix, folder, gateway)
    # The longest prefix: one kind's name may begin with another's.
    kind = max((kind for kind in kinds if name.startswith(kind.name)), key=lambda kind: len(kind.name), default=None)
    suffix = _suffix(name, RECORD_SUFFIXES)
    if kind is None or suffix is None:
        suffixes = ", ".join(RECORD_SUFFIXES)
        return IgnoredFile(path, f"not a landing file: those are named {prefixes(kinds)} and end in {suffixes}")
    return LandingFile(path, source, (kind,), suffix, path.parent.name)


def prefixes(kinds: Sequence[Kind]) -> str:
    """Return how landing files are named, for people: `clicks*, identities* or conversions*`."""
    *others, last = (f"{kind.name}*" for kind in kinds)
    return f"{', '.join(others)} or {last}" if others else last


def source_of(path: Path, landing_dir: Path) -> str:
    """Return the name under which a file is known in the database; bytes that are not UTF-8 are shown as escapes."""
    absolute, root = path.absolute(), landing_dir.absolute()
    inside = absolute.is_relative_to(root)
    name = (absolute.relative_to(root) if inside else absolute).as_posix()
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def fingerprint(path: Path) -> str:
    """Return size and modification time: they differ once the file has been written again."""
    state = path.stat()
    return f"{state.st_size}-{state.st_mtime_ns}"


def _visible_files(path: Path) -> Iterator[Path]:
    """Yield the file itself, or all files below a folder that are neither hidden nor unfinished."""
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
