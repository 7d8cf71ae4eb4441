"""Landing files: which files to load, and what their names and folders say about them.

What belongs here: names and folders. What does not: where files lie (`zones`), what is inside a file (`streams`,
`formats`), and whether it has been loaded before (`arrivals`).
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from trackai_pipelines.ingest.kinds import Kind, gateways_of

RECORD_SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv", ".parquet")
WEBHOOK_SUFFIXES = (".json", ".jsonl", ".ndjson", ".form", ".txt")
# Any of the above may be followed by one of these.
PACKED_SUFFIXES = (".gz", ".zst", ".bz2")
WEBHOOKS = "webhooks"
SYNCS = "sync"
# How programs name a file that they are still writing.
_UNFINISHED = (".tmp", ".part", ".partial", ".filepart", ".crdownload", ".inprogress")
# Folders that say when or of whom, as writers of S3 and Hive make them: 2026/11/25/10, 2026-11-25, dt=2026-11-25.
_PARTITION = re.compile(r"(?:19|20)[0-9]{2}(?:-?[0-9]{2}){0,3}|[0-9]{2}|[a-z_][a-z0-9_ -]*=.*", re.IGNORECASE)
_TENANT = re.compile(r"(?:tenant|tenant_id)=(.+)", re.IGNORECASE)
_GATEWAY = re.compile(r"gateway=(.+)", re.IGNORECASE)
_SUFFIX = re.compile(r"\.[a-z0-9]{1,8}")
_WORD = re.compile(r"[_-]([a-z]+)")
_ADVICE = {
    ".xlsx": "save it as CSV",
    ".xls": "save it as CSV",
    ".zip": "unpack it",
    ".tar": "unpack it",
    ".7z": "unpack it",
    ".orc": "export it as Parquet",
    ".avro": "export it as Parquet",
}


@dataclass(frozen=True, slots=True)
class LandingFile:
    """A file to load.

    `source` is its path inside the landing folder (absolute for a file elsewhere), with `/` between the parts.
    `kinds` are those that its records may be of: one, or for webhooks all that read the gateway's payloads.
    `folder` is the name of the folder that names the tenant where rows do not; it need not be a tenant.
    `suffix` is one of RECORD_SUFFIXES or WEBHOOK_SUFFIXES, perhaps with one of PACKED_SUFFIXES; `gateway` is set for
    webhooks alone.
    """

    path: Path
    source: str
    kinds: tuple[Kind, ...]
    suffix: str
    folder: str
    gateway: str | None = None
    in_root: bool = False
    """Whether it lies in the landing folder itself, which is no tenant's."""
    word: str = ""
    """The word that follows the kind's name: `meta` of `ad_costs_meta_2026.csv`, or of a folder named so; below a
    folder `sync`, the name of the folder in it."""

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

    Markers and hidden files that could be no landing file (`_SUCCESS`, `.crc`) are in neither list. Raises
    FileNotFoundError for a path that does not exist.
    """
    return in_loading_order(files_below(paths), landing_dir=landing_dir, kinds=kinds)


def in_loading_order(
    paths: Iterable[Path | IgnoredFile], *, landing_dir: Path, kinds: Sequence[Kind]
) -> tuple[list[LandingFile], list[IgnoredFile]]:
    """Return the files to load among these, in loading order, and those ignored."""
    files: dict[str, LandingFile] = {}
    ignored: dict[Path, IgnoredFile] = {}
    for path in paths:
        found = path if isinstance(path, IgnoredFile) else landing_file(path, landing_dir=landing_dir, kinds=kinds)
        if isinstance(found, LandingFile):
            files[found.source] = found
        else:
            ignored[found.path] = found
    order = {name: place for place, name in enumerate([*(kind.name for kind in kinds), WEBHOOKS])}
    ordered = sorted(files.values(), key=lambda file: (order[file.kind], file.source))
    return ordered, sorted(ignored.values(), key=lambda file: file.path)


def landing_file(path: Path, *, landing_dir: Path, kinds: Sequence[Kind]) -> LandingFile | IgnoredFile:
    """Return what the name and the folders of one file say about it."""
    name = path.name.lower()
    if name.endswith(_UNFINISHED):
        return IgnoredFile(path, "unfinished by its name; its writer renames it when it is done")
    folders = _Folders.of(path, landing_dir)
    if len(folders.tenants) > 1:
        return IgnoredFile(path, f"its folders name two tenants: {' and '.join(folders.tenants)}")
    webhooks = folders.last(WEBHOOKS)
    found = None if webhooks is None else _webhooks(path, folders, webhooks, landing_dir, kinds)
    if isinstance(found, LandingFile):
        return found
    # The longest prefix: one kind's name may begin with another's.
    kind = max((kind for kind in kinds if name.startswith(kind.name)), key=lambda kind: len(kind.name), default=None)
    place = folders.above(len(folders.names))
    named = name
    if kind is None and found is None:
        named = folders.name(place).lower()
        kind = _kind_of_folder(named, kinds)
        place = place if kind is None else folders.above(place)
    suffix = _suffix(name, RECORD_SUFFIXES)
    if kind is None:
        # Where it is no kind's, its gateway is what is wrong.
        return found or IgnoredFile(
            path, f"not a landing file: those are named {prefixes(kinds)}, or lie in a folder named so"
        )
    if suffix is None:
        return found or IgnoredFile(path, _unread(name, RECORD_SUFFIXES))
    word = _WORD.match(named, len(kind.name))
    sync = folders.sync()
    if sync is not None:
        # <tenant>/sync/<whose>/videos_2026-05-01.csv
        place = folders.above(sync)
    return LandingFile(
        path,
        source_of(path, landing_dir),
        (kind,),
        suffix,
        folders.tenant or folders.name(place),
        in_root=folders.tenant is None and folders.is_root(place),
        word=folders.name(sync + 1).lower() if sync is not None else word[1] if word else "",
    )


def _webhooks(
    path: Path, folders: "_Folders", place: int, landing_dir: Path, kinds: Sequence[Kind]
) -> LandingFile | IgnoredFile:
    """Return what is known of a file below a folder `webhooks`."""
    below = folders.names[place + 1 :]
    named = [match[1] for name in below if (match := _GATEWAY.fullmatch(name))]
    others = [name for name in below if not _PARTITION.fullmatch(name)]
    if not named and not others:
        return IgnoredFile(path, "which gateway sent it is not known; put it into webhooks/GATEWAY/")
    gateway, gateways = (named or others)[0], gateways_of(kinds)
    known = {_plain(name): name for name in gateways}.get(_plain(gateway))
    if known is None:
        there = ", ".join(sorted(gateways))
        return IgnoredFile(path, f"no reader for the gateway {gateway!r}; there are readers for {there}")
    name = path.name.lower()
    # Amazon Data Firehose gives its files no suffix.
    suffix = _suffix(name, WEBHOOK_SUFFIXES) or (None if _SUFFIX.fullmatch(_ending(name)) else ".json")
    if suffix is None:
        return IgnoredFile(path, _unread(name, WEBHOOK_SUFFIXES))
    tenant = folders.tenant or folders.name(folders.above(place))
    return LandingFile(path, source_of(path, landing_dir), tuple(gateways[known]), suffix, tenant, known)


@dataclass(frozen=True, slots=True)
class _Folders:
    """The folders that a file lies in, outermost first; those of the landing folder and in it begin at `root`."""

    names: tuple[str, ...]
    root: int
    tenants: tuple[str, ...]
    inside: bool
    """Whether that is in the landing folder."""

    @classmethod
    def of(cls, path: Path, landing_dir: Path) -> "_Folders":
        absolute, landing = path.absolute(), landing_dir.absolute()
        names = absolute.parts[1:-1]
        inside = absolute.is_relative_to(landing)
        root = len(landing.parts) - 2 if inside else 0
        found = [unquote(match[1]) for name in names[max(root, 0) :] if (match := _TENANT.fullmatch(name))]
        return cls(names, max(root, 0), tuple(dict.fromkeys(found)), inside)

    @property
    def tenant(self) -> str | None:
        """The tenant that a folder like `tenant=acme` names."""
        return self.tenants[0] if self.tenants else None

    def last(self, name: str) -> int | None:
        """Return the place of the innermost folder of this name, in any case."""
        places = [place for place, found in enumerate(self.names) if place >= self.root and found.lower() == name]
        return places[-1] if places else None

    def sync(self) -> int | None:
        """Return the place of a folder `sync` in a tenant's, with a folder in it that names whose files these are."""
        place = self.last(SYNCS)
        return place if place is not None and self.root + 1 < place < len(self.names) - 1 else None

    def above(self, place: int) -> int:
        """Return the place of the next folder further out that is no date and no `key=value`."""
        outer = place - 1
        while outer > self.root and _PARTITION.fullmatch(self.names[outer]):
            outer -= 1
        # Right inside the landing folder it is a tenant's, whatever it looks like.
        return place - 1 if place - 1 == self.root + 1 else outer

    def is_root(self, place: int) -> bool:
        """Return whether this is the place of the landing folder itself."""
        return self.inside and place == self.root

    def name(self, place: int) -> str:
        return self.names[place] if 0 <= place < len(self.names) else ""


def _kind_of_folder(folder: str, kinds: Sequence[Kind]) -> Kind | None:
    """Return the kind that a folder is named after: `conversions`, `conversions_2026`, `conversions.parquet`."""
    name = folder.lower()
    named = [kind for kind in kinds if name.startswith(kind.name) and not name[len(kind.name) :][:1].isalpha()]
    return max(named, key=lambda kind: len(kind.name), default=None)


def _plain(gateway: str) -> str:
    """A gateway's name as it is compared: Mercado_Pago is mercadopago."""
    return re.sub(r"[-_. ]", "", gateway.lower())


def _unread(name: str, suffixes: tuple[str, ...]) -> str:
    ending = _ending(name)
    what = f"{ending} is not read" if _SUFFIX.fullmatch(ending) else "its name has no suffix"
    advice = _ADVICE.get(ending)
    expected = f"expected {', '.join(suffixes)}, perhaps with {' or '.join(PACKED_SUFFIXES)}"
    return f"{what}; {advice + '; ' if advice else ''}{expected}"


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


def files_below(paths: Iterable[Path]) -> Iterator[Path | IgnoredFile]:
    """Yield the files of folders, to any depth, and those given. Raises FileNotFoundError for no path."""
    for given in paths:
        if not given.exists():
            raise FileNotFoundError(f"there is no file or folder {given}; check the path and try again")
        yield from _files_below(given.absolute())


def _files_below(path: Path) -> Iterator[Path | IgnoredFile]:
    """Yield the file itself, or all files below a folder; those that are left alone for what they are as such."""
    if path.is_file():
        yield path
        return
    folders = [name for name in ("_delta_log", ".hoodie", "metadata") if (path / name).is_dir()]
    if table := table_format(folders, lambda: [entry.name for entry in path.glob("metadata/*")]):
        yield IgnoredFile(path, f"a table of {table}, whose log says which of its files count; export it as Parquet")
        return
    for entry in sorted(path.iterdir()):
        hidden = entry.name.startswith((".", "_"))
        if entry.is_dir() and not hidden:
            if entry.is_symlink():
                # It may lead back here.
                yield IgnoredFile(entry, "a link to a folder is not followed; give what it leads to as a path")
            else:
                yield from _files_below(entry)
        elif entry.is_dir() and entry.name == "_temporary":
            yield IgnoredFile(entry, "what a Spark job has not finished; run the job again")
        elif entry.is_file() and not hidden:
            yield entry
        elif entry.is_file():
            if ignored := hidden_file(entry):
                yield ignored
        elif not hidden:
            yield IgnoredFile(entry, "neither a file nor a folder, or a link to nothing")


def hidden_file(path: Path) -> IgnoredFile | None:
    """Return a hidden file as one that is left alone, where it could be a landing file; else nothing is said of it."""
    name = path.name.lower()
    if name.startswith("._") or not _suffix(name, (*RECORD_SUFFIXES, *WEBHOOK_SUFFIXES)):
        return None
    return IgnoredFile(path, f"hidden: its name begins with {name[0]!r}; rename it to have it loaded")


def table_format(folders: Collection[str], in_metadata: Callable[[], Iterable[str]]) -> str | None:
    """Return the format of a table of files with a log: files that were deleted from it still lie there.

    `folders` are the names of those in its folder, `in_metadata` returns the names in the one that is called metadata.
    """
    if "_delta_log" in folders:
        return "Delta Lake"
    if ".hoodie" in folders:
        return "Apache Hudi"
    iceberg = "metadata" in folders and any(name.endswith(".metadata.json") for name in in_metadata())
    return "Apache Iceberg" if iceberg else None


def _suffix(name: str, suffixes: tuple[str, ...]) -> str | None:
    """Return the suffix that a file is read by, with that of its packing; Parquet is packed inside."""
    packed = next((packed for packed in PACKED_SUFFIXES if name.endswith(packed)), "")
    plain = name.removesuffix(packed)
    suffix = next((suffix for suffix in suffixes if plain.endswith(suffix)), None)
    return None if suffix is None or (packed and suffix == ".parquet") else suffix + packed


def _ending(name: str) -> str:
    """What stands after the last dot of a name, not counting that of its packing."""
    plain = next((name.removesuffix(packed) for packed in PACKED_SUFFIXES if name.endswith(packed)), name)
    return "." + plain.rpartition(".")[2] if "." in plain else ""
