"""Where archives are kept: a local folder, or any place that fsspec reaches.

What belongs here: writing files durably, hashing and removing them. What does not: what is in them, and which of them
count (manifest).
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trackai_pipelines.errors import ExpectedError
from trackai_pipelines.object_storage import explained, file_system

_VARIABLE = "TRACKAI_ARCHIVE_DIR"

# Marks a local file that is being written. A killed writer leaves it; it is overwritten, or removed as a stray.
HALF = ".half"


class ArchiveError(ExpectedError):
    """Something about archives that a person must fix; the message says what and how."""


class ArchiveDamaged(ArchiveError):  # noqa: N818 - a state, and the message tells it
    """An archive is missing, or is not what was written."""


@dataclass(frozen=True)
class Store:
    """An open place for archives. Paths are relative to it, with slashes."""

    fs: Any
    """Its fsspec file system."""
    root: str
    local: bool

    def full(self, path: str) -> str:
        """Return the path as `fs` takes it."""
        return f"{self.root}/{path}"

    def shown(self, path: str) -> str:
        """Return the path for people, with its protocol where it is not a local one."""
        return self.full(path) if self.local else str(self.fs.unstrip_protocol(self.full(path)))

    def open(self, path: str) -> Any:
        """Open the file for reading, in binary. Raises FileNotFoundError."""
        with self._explained():
            return self.fs.open(self.full(path), "rb")

    @contextmanager
    def write(self, path: str) -> Iterator[Any]:
        """Yield a binary file that exists, whole and durably, once the block has ended well; else there is none.

        A file of that name is replaced. Raises OSError.
        """
        if self.local:
            with _written_locally(Path(self.full(path))) as file:
                yield file
            return
        with self._explained():
            try:
                with self.fs.open(self.full(path), "wb") as file:
                    yield file
            except BaseException:
                # Closing it may have made it visible.
                self.remove(path)
                raise

    def exists(self, path: str) -> bool:
        """Return whether there is such a file now."""
        self.fs.invalidate_cache()
        with self._explained():
            return bool(self.fs.exists(self.full(path)))

    def size(self, path: str) -> int:
        """Return its size in bytes. Raises FileNotFoundError."""
        with self._explained():
            return int(self.fs.size(self.full(path)))

    def sha256(self, path: str) -> str:
        """Return the SHA-256 of its bytes, as 64 hex digits; the file is read whole. Raises FileNotFoundError."""
        self.fs.invalidate_cache()
        with self.open(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def remove(self, path: str) -> None:
        """Remove a file; one that is not there is fine."""
        self.fs.invalidate_cache()
        try:
            with self._explained():
                self.fs.rm_file(self.full(path))
        except FileNotFoundError:
            return
        if self.local:
            _sync_folder(Path(self.full(path)).parent)

    def beginning_with(self, prefix: str) -> list[str]:
        """Return the paths of all files whose path begins with `prefix`."""
        self.fs.invalidate_cache()
        folder, _, start = prefix.rpartition("/")
        with self._explained():
            if not self.fs.isdir(self.full(folder)):
                return []
            found = self.fs.ls(self.full(folder), detail=False)
        names = (path.rstrip("/").rpartition("/")[2] for path in found)
        return [f"{folder}/{name}" for name in sorted(names) if name.startswith(start)]

    def _explained(self) -> AbstractContextManager[None]:
        return explained(self.shown(""), variable=_VARIABLE, error=ArchiveError)


def open_store(url: str) -> Store:
    """Return the store of a local path or an fsspec URL (`s3://bucket/folder`). Nothing is made or asked yet.

    Raises ArchiveError where the URL means nothing, or the package for it is not installed.
    """
    from fsspec.implementations.local import LocalFileSystem  # type: ignore[import-untyped]

    fs, root = file_system(url, variable=_VARIABLE, error=ArchiveError)
    return Store(fs, root, isinstance(fs, LocalFileSystem))


@contextmanager
def _written_locally(target: Path) -> Iterator[Any]:
    half = target.with_name(target.name + HALF)
    _make_folder(target.parent)
    try:
        with half.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        half.replace(target)
    except BaseException:
        half.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def _make_folder(folder: Path) -> None:
    """Make a folder and those above it, each durably: a new name lives in the folder above."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
