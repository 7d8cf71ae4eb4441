"""Where source code names flags, and which flags no source names.

What belongs here: reading text files for keys. What does not: which flags there are. Any text is read, whatever the
language: a call that asks for a flag names its key as a literal, in the client, in OpenFeature's SDKs, in GrowthBook's,
and in OFREP's paths.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_SKIPPED = {"node_modules", "__pycache__", "dist", "build", "vendor"}
_LARGEST = 1_000_000
_CALLS = re.compile(
    r"""
    (?: \b (?: is_on | evaluate
             | get_(?:boolean|string|integer|float|object)_(?:value|details)(?:_async)?
             | resolve_(?:boolean|string|integer|float|object)_details
             | get(?:Boolean|String|Number|Object|Feature)(?:Value|Details)
             | use(?:Boolean|String|Number|Object)?Flag(?:Value|Details)? | useFeature(?:IsOn|Value)?
             | isOn | isOff )
        \s* (?: <[^<>()]*> )? \( \s* ["'`]
      | /ofrep/v1/evaluate/flags/ )
    (?P<key> [A-Za-z0-9][A-Za-z0-9._-]{0,99} )
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A line of a file."""

    path: Path
    line: int


@dataclass(frozen=True, slots=True)
class References:
    """What was found."""

    named: Mapping[str, Sequence[SourceLine]]
    """Where each flag is named, by any text that is its key."""
    unknown: Mapping[str, Sequence[SourceLine]]
    """Where a flag is asked for that there is not."""
    unnamed: Sequence[str]
    """Flags that no file names."""


def references(paths: Sequence[Path], keys: Collection[str]) -> References:
    """Return where files and folders name flags with these keys, or ask for others. Raises OSError."""
    known = re.compile("|".join(rf"(?<![\w.-]){re.escape(key)}(?![\w-]|\.\w)" for key in sorted(keys)) or r"(?!)")
    named: dict[str, list[SourceLine]] = {}
    unknown: dict[str, list[SourceLine]] = {}
    for path in _files(paths):
        text = _text(path)
        lines = text.splitlines()
        for number, line in enumerate(lines, start=1):
            for key in dict.fromkeys(found.group() for found in known.finditer(line)):
                named.setdefault(key, []).append(SourceLine(path, number))
        # A call may be on several lines.
        for call in _CALLS.finditer(text):
            key = call["key"]
            if key not in keys:
                unknown.setdefault(key, []).append(SourceLine(path, text.count("\n", 0, call.start("key")) + 1))
    return References(
        dict(sorted(named.items())), dict(sorted(unknown.items())), [key for key in sorted(keys) if key not in named]
    )


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_file():
            yield path
            continue
        for folder in sorted(path.iterdir()):
            if folder.name.startswith(".") or folder.name in _SKIPPED or folder.is_symlink():
                continue
            yield from _files([folder])


def _text(path: Path) -> str:
    if path.stat().st_size > _LARGEST:
        return ""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""
