"""The command line: built from declarations, and imported only as far as it is used."""

import json
import subprocess
import sys
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from trackai_pipelines.cli import app, build_app
from trackai_pipelines.domain import Command, Domain, Table
from trackai_pipelines.domains import DOMAINS
from trackai_pipelines.terminal.output import results
from trackai_pipelines.terminal.workspace import workspace


def listed(helped: str) -> list[str]:
    """The commands that a help text lists, in its order."""
    rows = helped.split("Commands")[-1].splitlines()
    return [row.split()[1] for row in rows if row.startswith("│ ") and not row.startswith("│  ")]


@pytest.mark.processes
def test_help_imports_no_command() -> None:
    shown = (
        "import sys, json\n"
        "from trackai_pipelines.cli import app\n"
        "try:\n    app(['--help'], prog_name='trackai')\n"
        "finally:\n    print(json.dumps(sorted(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", shown], capture_output=True, text=True, check=True)
    modules = json.loads(done.stderr)
    assert "dispatch" in listed(done.stdout)
    ours = [name for name in modules if name.startswith("trackai_pipelines.")]
    assert [name for name in ours if name.endswith((".cli", ".explain", ".environment"))] == ["trackai_pipelines.cli"]
    assert not {"dagster", "psycopg", "pydantic", "sqlalchemy", "msgspec"} & set(modules)


def test_the_commands_follow_the_flow() -> None:
    commands = listed(CliRunner().invoke(app, ["--help"]).stdout)
    declared = [command.name for domain in DOMAINS for command in domain.commands]
    assert [name for name in commands if name in declared] == declared
    assert commands[:4] == ["demo", "up", "stop", "migrate"]


def test_a_typing_error_is_bad_usage_with_a_suggestion() -> None:
    result = CliRunner().invoke(app, ["ingets"])
    assert result.exit_code == 2
    assert "Did you mean 'ingest'?" in result.stderr


def toy_command(name: Annotated[str, typer.Argument(help="Whom to greet.")]) -> None:
    """Greet somebody; the help of the command itself."""
    tables = ", ".join(table.name for table in workspace().tables)
    results().print(f"hello {name}, of {tables}")


toy_group = typer.Typer(help="Toys.", no_args_is_help=True)


@toy_group.command("add")
def add_toy() -> None:
    """Add a toy."""
    results().print("added")


@toy_group.command("list")
def list_toys() -> None:
    """List toys."""


TOY = Domain(
    name="toy",
    says="Toys.",
    tables=(Table(name="toys", key=("id",)),),
    commands=(
        Command(name="greet", says="Greet.", load=lambda: toy_command),
        Command(name="toys", says="Toys.", load=lambda: toy_group),
    ),
)


def test_a_domain_brings_its_commands_and_hands_them_its_declarations() -> None:
    toys = build_app([TOY])
    run = CliRunner().invoke
    assert listed(run(toys, ["--help"]).stdout)[4:6] == ["greet", "toys"]
    assert run(toys, ["greet", "Ann"]).stdout == "hello Ann, of toys\n"
    assert "the help of the command itself" in run(toys, ["greet", "--help"]).stdout
    assert run(toys, ["greet"]).exit_code == 2
    assert run(toys, ["toys", "add"]).stdout == "added\n"
    assert listed(run(toys, ["toys", "--help"]).stdout) == ["add", "list"]


def test_declarations_are_handed_over_for_the_length_of_a_command() -> None:
    CliRunner().invoke(build_app([TOY]), ["greet", "Ann"])
    with pytest.raises(LookupError):
        workspace()
