"""The place where landing files lie: a folder, or one in object storage that fsspec reaches.

What belongs here: which files there are, the state of each, and having one at hand to read. What does not: what names
and folders say (`files`), and reading (`streams`).

A file in object storage has the path `/bucket/folder/...`, so that names mean there what they mean in a folder. It is
copied to this machine while it is loaded: readers pass over some files more than once.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from trackai_pipelines.clock import Clock, utc_now
from trackai_pipelines.errors import ExpectedError
from trackai_pipelines.ingest.files import (
    IgnoredFile,
    LandingFile,
    files_below,
    hidden_file,
    in_loading_order,
    table_format,
)
from trackai_pipelines.ingest.kinds import Kind
from trackai_pipelines.object_storage import explained, file_system

_VARIABLE = "TRACKAI_LANDING_DIR"
# 2026-11-25, 20261125, dt=2026-11-25, 2026/11/25, year=2026/month=11/day=25.
_DAY = re.compile(r"(?:^|[/=])(20\d\d)(?:-?|/|/month=)(\d\d)(?:-?|/|/day=)(\d\d)$")

Found = tuple[list[LandingFile], list[IgnoredFile]]


class LandingError(ExpectedError):
    """Something about the landing place that a person must fix; the message says what and how."""


@dataclass(frozen=True, slots=True)
class FileState:
    """What changes when a file is written again."""

    fingerprint: str
    changed_at: float
    """In seconds since 1970."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of this machine, or one that it shares."""

    root: Path

    def exists(self) -> bool:
        """Return whether it is there."""
        return self.root.is_dir()

    def has(self, path: Path) -> bool:
        """Return whether this path leads to a file or folder."""
        return path.exists()

    def files(self, paths: Iterable[Path], kinds: Sequence[Kind]) -> Found:
        """Return the files to load, in loading order, and those ignored. Raises FileNotFoundError for no path."""
        return in_loading_order(files_below(paths), landing_dir=self.root, kinds=kinds)

    def state(self, file: LandingFile) -> FileState:
        """Return its state now: size and time. Raises FileNotFoundError."""
        found = file.path.stat()
        return FileState(f"{found.st_size}-{found.st_mtime_ns}", found.st_mtime)

    @contextmanager
    def at_hand(self, file: LandingFile) -> Iterator[tuple[LandingFile, FileState]]:
        """Yield the file and its state. Raises OSError."""
        yield file, self.state(file)


class Bucket:
    """A place in object storage. Its state of a file is what the last listing said, until the file is at hand."""

    def __init__(self, fs: Any, root: str, *, days: int | None = None, clock: Clock = utc_now) -> None:
        self.root = Path("/", root)
        self._fs = fs
        self._since = None if days is None else clock().date() - timedelta(days=days - 1)
        self._listed: dict[Path, FileState] = {}

    def exists(self) -> bool:
        """Return True: a place in object storage is there once a file is."""
        return True

    def has(self, path: Path) -> bool:
        """Return whether this path leads to a file or folder. Raises LandingError."""
        with self._explained():
            return bool(self._fs.exists(_key(path)))

    def files(self, paths: Iterable[Path], kinds: Sequence[Kind]) -> Found:
        """Return the files to load, in loading order, and those ignored.

        Folders named after days that are too old are passed over, but for one that is given itself. Raises
        FileNotFoundError for no path, LandingError.
        """
        self._listed.clear()
        self._fs.invalidate_cache()
        with self._explained():
            return in_loading_order(self._below(paths), landing_dir=self.root, kinds=kinds)

    def state(self, file: LandingFile) -> FileState:
        """Return its state as it was listed: size, and the tag of its content or its time."""
        return self._listed[file.path]

    @contextmanager
    def at_hand(self, file: LandingFile) -> Iterator[tuple[LandingFile, FileState]]:
        """Yield a copy of the file on this machine, and the state of what was copied. Raises OSError, LandingError."""
        with TemporaryDirectory(prefix="trackai-landing-") as folder:
            copy = Path(folder, file.path.name)
            with self._explained():
                # First the state: if the file is written meanwhile, it is loaded again.
                self._fs.invalidate_cache(_key(file.path.parent))
                state = _state(self._fs.info(_key(file.path)))
                self._fs.get_file(_key(file.path), str(copy))
            yield replace(file, path=copy), state

    def _below(self, paths: Iterable[Path]) -> Iterator[Path | IgnoredFile]:
        for path in paths:
            # What was never written to is no folder here.
            if path == self.root and not self._fs.exists(_key(path)):
                continue
            info = self._fs.info(_key(path))
            if info["type"] == "directory":
                yield from self._in_folder(path)
            else:
                yield self._noted(path, info)

    def _in_folder(self, folder: Path) -> Iterator[Path | IgnoredFile]:
        found: list[Mapping[str, Any]] = self._fs.ls(_key(folder), detail=True)
        entries = sorted((Path("/", info["name"]), info) for info in found)
        folders = {path.name for path, info in entries if info["type"] == "directory"}
        if table := table_format(folders, lambda: self._names(folder / "metadata")):
            yield IgnoredFile(
                folder, f"a table of {table}, whose log says which of its files count; export it as Parquet"
            )
            return
        for path, info in entries:
            hidden = path.name.startswith((".", "_"))
            if info["type"] != "directory":
                # A console marks an empty folder by a file of its name.
                if path != folder and not hidden:
                    yield self._noted(path, info)
                elif path != folder and (ignored := hidden_file(path)):
                    yield ignored
            elif path.name == "_temporary":
                yield IgnoredFile(path, "what a Spark job has not finished; run the job again")
            elif not hidden and not self._too_old(path):
                yield from self._in_folder(path)

    def _names(self, folder: Path) -> list[str]:
        return [Path(name).name for name in self._fs.ls(_key(folder), detail=False)]

    def _too_old(self, folder: Path) -> bool:
        if self._since is None:
            return False
        match = _DAY.search(folder.relative_to(self.root).as_posix())
        try:
            return match is not None and date(*map(int, match.groups())) < self._since
        except ValueError:
            return False

    def _noted(self, path: Path, info: Mapping[str, Any]) -> Path:
        self._listed[path] = _state(info)
        return path

    def _explained(self) -> Any:
        place = str(self._fs.unstrip_protocol(_key(self.root)))
        return explained(place, variable=_VARIABLE, error=LandingError)


Zone = Folder | Bucket


def zone_of(place: Path | str, *, days: int | None = None) -> Zone:
    """Return the zone of a folder or of a URL. Raises LandingError for a URL that means nothing."""
    if "://" not in str(place):
        return Folder(Path(place))
    fs, root = file_system(str(place), variable=_VARIABLE, error=LandingError)
    return Bucket(fs, root, days=days)


def path_in(zone: Zone, given: str) -> Path:
    """Return the path of a file that is given by its name inside the zone, by a URL, or by an absolute path."""
    if "://" in given and isinstance(zone, Bucket):
        return Path("/", file_system(given, variable=_VARIABLE, error=LandingError)[1])
    return zone.root / given


def name_in(zone: Zone, path: Path) -> str:
    """Return how `path_in` finds this path again: by its name inside the zone, wherever that lies."""
    return path.relative_to(zone.root).as_posix() if path.is_relative_to(zone.root) else str(path)


def _key(path: Path) -> str:
    return path.as_posix().lstrip("/")


def _state(info: Mapping[str, Any]) -> FileState:
    """Return the state that a store's answer tells: stores name time and tag differently."""
    changed = next(
        (info[name] for name in ("LastModified", "mtime", "updated", "last_modified", "created") if name in info), 0.0
    )
    if isinstance(changed, str):
        changed = datetime.fromisoformat(changed)
    if isinstance(changed, datetime):
        changed = (changed if changed.tzinfo else changed.replace(tzinfo=UTC)).timestamp()
    tag = str(info.get("ETag") or info.get("etag") or changed).strip('"')
    return FileState(f"{info['size']}-{tag}", float(changed))
