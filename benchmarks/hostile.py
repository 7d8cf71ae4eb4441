"""Whether any file, however hostile, is read to its end with every record accounted for.

What belongs here: reading hostile files as a load does, without a database, and what must hold of each. What does not:
the files (`hostile_files`), and what the database makes of them (tests/ingest).
"""

import json
import os
import re
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from types import FrameType

from benchmarks.database import Database
from benchmarks.figures import Figure, Scale, row
from benchmarks.hostile_files import FAMILIES, HostileFile, hostile_file
from benchmarks.hostile_values import EMAIL, PHONE, TENANT
from trackai_pipelines.domains import DOMAINS
from trackai_pipelines.ingest.context import Context, Owner, owners_by_name
from trackai_pipelines.ingest.files import IgnoredFile, landing_file
from trackai_pipelines.ingest.kinds import kinds_of
from trackai_pipelines.ingest.load import chunks_of
from trackai_pipelines.ingest.streams import Notes
from trackai_pipelines.terminal.output import remark

CHARTED = ()

SIZES: dict[Scale, int] = {"small": 200, "medium": 20_000, "full": 200_000}
# A few records take milliseconds; this much is a reader that does not come to an end.
_MOST_CPU_SECONDS = 20
_FILES_OF_A_PART = 1_000
_COUNTED = ("files", "accepted", "refused", "passed over", "given, where known", "of these accounted for")
_NOW = datetime(2026, 6, 1, tzinfo=UTC)
_KINDS = kinds_of(DOMAINS)
# What the report says of rows of Parquet that are damaged.
_MISSING = re.compile(r"([0-9]+) rows are missing")


@dataclass(slots=True)
class Reading:
    """What became of a file's records: rows, refusals, rows that were passed over; and what was said of the file."""

    rows: int = 0
    accepted: int = 0
    refused: int = 0
    passed_over: int = 0
    notes: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    ignored: bool = False

    @property
    def is_refused_whole(self) -> bool:
        """Whether the file was refused as one, with its reason, so its records were not looked at."""
        return any(note.startswith("nothing was read") for note in self.notes)

    @property
    def accounted_for(self) -> int:
        """Records of which it is known what became of them."""
        return self.accepted + self.refused + self.passed_over


def read(file: HostileFile, landing: Path) -> Reading:
    """Read a file as a load does. `landing` is an empty folder, and left empty."""
    path = landing / file.name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(file.content)
    try:
        return _reading(path, landing)
    finally:
        path.unlink()


def _reading(path: Path, landing: Path) -> Reading:
    found = landing_file(path, landing_dir=landing, kinds=_KINDS)
    if isinstance(found, IgnoredFile):
        return Reading(notes=[found.reason], ignored=True)
    owners = owners_by_name([Owner(f"t-{TENANT}", TENANT, "BR", take_test_payments=True)])
    context, notes, reading = Context(owners, found.folder, _NOW, _NOW), Notes(), Reading()
    accepted: set[int] = set()
    for _, chunk in chunks_of(found, context, notes):
        # What COPY is given.
        "\n".join(chunk.rows).encode()
        reading.rows += len(chunk.rows)
        refused = [reject.line for reject in chunk.rejects]
        # A payload may hold several rows, and some that are refused.
        accepted.update(chunk.lines)
        reading.refused += len(set(refused) - set(chunk.lines)) if found.gateway else len(refused)
        reading.kept += [f"{reject.payload} {reject.reason}" for reject in chunk.rejects]
        for reject in chunk.rejects:
            json.loads(reject.payload or "null")
    reading.accepted = len(accepted) if found.gateway else reading.rows
    reading.notes = notes.texts
    reading.passed_over = sum(int(count) for note in notes.texts for count in _MISSING.findall(note))
    return reading


def faults_of(file: HostileFile, reading: Reading) -> list[str]:
    """Return what is wrong with the reading of a file; nothing where all is well."""
    faults = []
    whole = reading.is_refused_whole
    if file.given is not None and not whole and reading.accounted_for != file.given:
        faults.append(f"{reading.accounted_for} of {file.given} records are accounted for")
    if not whole and reading.accepted < file.intact:
        faults.append(f"{reading.accepted} of {file.intact} sound records were accepted")
    said = reading.notes or reading.refused or reading.rows
    if file.content.strip() and not said:
        faults.append("nothing was said of a file that is not empty")
    if any(EMAIL in text or PHONE in text for text in [*reading.kept, *reading.notes]):
        faults.append("the buyer's e-mail address or phone was kept")
    return faults


@contextmanager
def _bounded() -> Iterator[None]:
    """Raise where what is inside takes too much of the processor."""

    def stop(_: int, __: FrameType | None) -> None:
        raise TimeoutError(f"it was still being read after {_MOST_CPU_SECONDS} s of CPU")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, _MOST_CPU_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@dataclass(slots=True)
class _Tally:
    """What became of the files of a family."""

    counts: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0

    def add(self, file: HostileFile, reading: Reading, faults: list[str], seconds: float) -> None:
        """Count one file."""
        self.counts.update(
            {
                "files": 1,
                "accepted": reading.accepted,
                "refused": reading.refused,
                "passed over": reading.passed_over + reading.ignored,
                "faults": len(faults),
            }
        )
        if file.given is not None and not reading.is_refused_whole:
            self.counts.update({"given, where known": file.given, "of these accounted for": reading.accounted_for})
        self.slowest = max(self.slowest, seconds)

    def take(self, other: "_Tally") -> None:
        """Add another part's."""
        self.counts.update(other.counts)
        self.slowest = max(self.slowest, other.slowest)


def _part(numbers: range) -> tuple[dict[str, _Tally], list[str]]:
    """Read the files of these numbers; return what became of them by family, and the faults in words."""
    tallies: dict[str, _Tally] = {family: _Tally() for family in FAMILIES}
    said = []
    with tempfile.TemporaryDirectory() as folder:
        for number in numbers:
            file = hostile_file(number)
            begun = time.process_time()
            try:
                with _bounded():
                    reading = read(file, Path(folder))
                faults = faults_of(file, reading)
            except Exception as error:  # noqa: BLE001 - any error is what is looked for
                reading, faults = Reading(), [f"{type(error).__name__}: {error}"]
            said += [f"file {number} ({file.family}, {file.name}): {fault}" for fault in faults]
            tallies[file.family].add(file, reading, faults, time.process_time() - begun)
    return tallies, said


def run(scale: Scale, _: Database) -> Iterator[Figure]:
    """How many files of each family were read, what became of their records, and the faults found."""
    title = f"Hostile files: {SIZES[scale]:,}"
    tallies: dict[str, _Tally] = {family: _Tally() for family in FAMILIES}
    parts = [
        range(first, min(first + _FILES_OF_A_PART, SIZES[scale])) for first in range(0, SIZES[scale], _FILES_OF_A_PART)
    ]
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        for part, (found, faults) in enumerate(pool.map(_part, parts), start=1):
            for fault in faults:
                remark(f"  {fault}")
            for family, tally in found.items():
                tallies[family].take(tally)
            if part % 10 == 0:
                remark(f"  {parts[part - 1].stop:,} files")
    whole = _Tally()
    for tally in tallies.values():
        whole.take(tally)
    for family, tally in (*tallies.items(), ("all", whole)):
        yield from row(title, family, {name: float(tally.counts[name]) for name in _COUNTED})
        yield Figure(title, family, "slowest file, s of CPU", tally.slowest, at_most=_MOST_CPU_SECONDS)
        yield Figure(title, family, "faults", float(tally.counts["faults"]), at_most=0)
