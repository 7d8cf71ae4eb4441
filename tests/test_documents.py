"""The documents name everything that there is, and their examples work.

What belongs here: what holds for README.md and docs/ as a whole. What does not: whether what they say is so.
"""

import ast
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection
from typer.testing import Result

from lint.reference import commands, reference
from trackai_pipelines.domains import DOMAINS

ROOT = Path(__file__).resolve().parents[1]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
COMMANDS = dict(commands())
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"(?<!`)`((?:trackai|make) [^`\n]+)`")
_VARIABLE = re.compile(r"\b(?:TRACKAI|DAGSTER)_[A-Z]+(?:_[A-Z]+)*\b")
# Variables that are named in the source and are nobody's to set.
_NOT_SET = {
    "DAGSTER_HOME": "`trackai env` sets it",
    "DAGSTER_EVENT_BATCH_SIZE": "`trackai up` sets it",
    "DAGSTER_DATABASE": "a constant",
    "DAGSTER_HISTORY": "a lock",
    "TRACKAI_CAPI": "the beginning of others",
    "TRACKAI_CAPI_TOKEN": "the beginning of others",
    "TRACKAI": "the beginning of others",
}


def _blocks(language: str) -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for found, text in _BLOCK.findall(page.read_text(encoding="utf-8")):
            if found == language:
                yield page.name, text


def _lines() -> Iterator[tuple[str, str]]:
    """Pages and the lines of their shell examples that call `trackai`, without comments."""
    for page, text in _blocks("sh"):
        for line in text.splitlines():
            if line.startswith("trackai "):
                yield page, line.partition(" #")[0].strip()


def _command(words: list[str]) -> tuple[Any, list[str]]:
    """The command that the words after `trackai` call, and the words that remain."""
    for length in (2, 1):
        if (found := COMMANDS.get(" ".join(words[:length]))) is not None:
            return found, words[length:]
    raise AssertionError(f"there is no command `trackai {' '.join(words)}`")


def test_every_command_and_option_is_in_the_reference() -> None:
    written = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert written == reference(), "docs/commands.md is stale: run `make reference`."


def test_every_command_is_explained_somewhere_else() -> None:
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES if page.name != "commands.md")
    assert [name for name in COMMANDS if f"trackai {name}" not in text] == []


def test_every_variable_is_in_the_readme() -> None:
    documented = set(_VARIABLE.findall((ROOT / "README.md").read_text(encoding="utf-8")))
    used = {
        name
        for path in (ROOT / "trackai_pipelines").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        for name in _VARIABLE.findall(node.value)
    }
    assert used - set(_NOT_SET) - documented == set()


def test_every_domain_is_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [domain.name for domain in DOMAINS if f"(docs/{domain.name}.md)" not in readme] == []


def test_every_make_target_is_explained() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    assert targets == set(re.findall(r"^([a-z-]+):.*  ## \S", makefile, re.MULTILINE))
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    named = {words.split()[1] for words in _INLINE.findall(text) if words.startswith("make ")}
    assert named <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target.replace("\\_", "_")).exists(), target


@pytest.mark.parametrize(("page", "line"), sorted(set(_lines())))
def test_an_example_is_taken_by_the_command_line(
    page: str, line: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "path/to/files").mkdir(parents=True)
    (tmp_path / "another.jsonl.gz").touch()
    command, words = _command(shlex.split(line)[1:])
    command.make_context("trackai", words)


def test_commands_in_the_text_exist() -> None:
    for page in PAGES:
        for call in _INLINE.findall(page.read_text(encoding="utf-8")):
            words = call.split()
            if words[0] == "trackai" and words[1] != "...":
                command, rest = _command([word for word in words[1:] if word.isascii()])
                known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
                assert {word for word in rest if word.startswith("--")} <= {*known, "--help"}, f"{page.name}: {call}"


def test_the_readmes_examples_run(
    trackai: Callable[..., Result],
    connection: Connection[Any],
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """From an empty database, in the README's order; those that stay, reach Meta or open a browser are left out."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRACKAI_CAPI_URL", "http://127.0.0.1:1")
    files = tmp_path / "path/to/files"
    files.mkdir(parents=True)
    sale = '{"tenant": "acme", "gateway": "stripe", "gateway_event_id": "evt_1", "value": 10, "currency": "BRL", '
    (files / "conversions.jsonl").write_text(sale + '"occurred_at": "2026-01-10T12:00:00Z"}\n')
    left_out = {"up", "stop", "doctor", "restore", "erase", "migrate"}
    ran = set()
    for page, line in _lines():
        words = shlex.split(line)[1:]
        if page == "README.md" and words[0] not in left_out and words != ["dispatch"] and "--open" not in words:
            result = trackai(*words)
            assert result.exit_code == 0, f"{line}: {result.output}"
            ran.add(words[0])
    assert {"tenant", "ingest", "match", "explain", "dispatch", "retention", "what-if"} <= ran
    assert connection.execute("SELECT count(*) FROM trackai.matched_attributions").fetchone() == (1,)


@pytest.mark.parametrize(("page", "source"), list(_blocks("python")))
def test_python_examples_import_what_there_is(page: str, source: str) -> None:
    tree = ast.parse(source)
    imports: list[ast.stmt] = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert imports
    exec(compile(ast.Module(imports, []), page, "exec"), {})
