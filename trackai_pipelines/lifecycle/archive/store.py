"""Where archives are kept: a local folder, or any place that fsspec reaches.

What belongs here: writing files durably, hashing and removing them. What does not: what is in them, and which of them
count (manifest).
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trackai_pipelines.errors import ExpectedError

# Where the libraries behind fsspec define errors that are no OSError, e.g. of missing credentials.
_CLIENTS = frozenset({"adlfs", "aiobotocore", "azure", "botocore", "gcsfs", "google"})
_CREDENTIALS = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE (and AWS_ENDPOINT_URL, if it is not Amazon's)",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS",
}
_CREDENTIALS |= {"s3a": _CREDENTIALS["s3"], "gcs": _CREDENTIALS["gs"]}

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

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Raise what the store's own library says of access and network as an ArchiveError with what to set."""
        try:
            yield
        except Exception as error:
            if type(error).__module__.partition(".")[0] not in _CLIENTS:
                raise
            place = self.shown("")
            credentials = _CREDENTIALS.get(place.partition("://")[0], "the credentials that its library reads")
            raise ArchiveError(
                f"The archive at {place} cannot be used: {str(error).rstrip('.')}. See that this process has "
                f"{credentials}, or let TRACKAI_ARCHIVE_DIR name another place."
            ) from error


def open_store(url: str) -> Store:
    """Return the store of a local path or an fsspec URL (`s3://bucket/folder`). Nothing is made or asked yet.

    Raises ArchiveError where the URL means nothing, or the package for it is not installed.
    """
    import fsspec  # type: ignore[import-untyped]
    from fsspec.implementations.local import LocalFileSystem  # type: ignore[import-untyped]

    protocol = url.partition("://")[0] if "://" in url else "file"
    try:
        fs, root = fsspec.url_to_fs(url)
    except ImportError as error:
        package = "trackai-pipelines[s3]" if protocol in ("s3", "s3a") else None
        fix = f'Install it: pip install "{package}"' if package else f"fsspec says: {error}"
        raise ArchiveError(
            f"TRACKAI_ARCHIVE_DIR is a {protocol}:// address, and the package for such addresses is not installed. "
            f"{fix}."
        ) from error
    except ValueError as error:
        raise ArchiveError(
            f"TRACKAI_ARCHIVE_DIR begins with {protocol}://, which fsspec does not know. Let it be a folder, or an "
            "address like s3://bucket/folder."
        ) from error
    return Store(fs, root.rstrip("/"), isinstance(fs, LocalFileSystem))


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
