"""The command line `trackai`, built from what the domains declare.

What belongs here: which commands there are, and in what order the help lists them. What does not: any command. A
command is imported when it runs, so `trackai --help` imports none.

Exit codes: 0 done, 1 failed, 2 bad usage.
"""

from collections.abc import Iterable
from typing import Any

import typer

from trackai_pipelines.cli.declared import DeclaredCommand
from trackai_pipelines.domain import Command, Domain
from trackai_pipelines.domains import DOMAINS
from trackai_pipelines.terminal.failures import SpeakingGroup
from trackai_pipelines.terminal.workspace import working_with

_HELP = (
    "Ad clicks and gateway conversions become matched attributions and match rates. Without TRACKAI_DATABASE_URL all "
    "commands use an embedded PostgreSQL server in TRACKAI_HOME (default: .trackai), which is started, and its schema "
    "brought up to date, when a command needs it. A database of your own is changed by `migrate`, `up` and `demo` "
    "alone."
)


def build_app(domains: Iterable[Domain] = DOMAINS) -> typer.Typer:
    """Return the command line of these domains; their commands stand in the order of the flow."""
    domains = tuple(domains)
    app = typer.Typer(
        name="trackai",
        cls=SpeakingGroup,
        no_args_is_help=True,
        add_completion=False,
        # A traceback that shows variables would show passwords.
        pretty_exceptions_enable=False,
        help=_HELP,
    )

    @app.callback()
    def hand_over(context: typer.Context) -> None:
        context.with_resource(working_with(domains))

    for command in (*_FIRST, *(command for domain in domains for command in domain.commands), *_LAST):
        app.command(command.name, help=command.says, cls=DeclaredCommand)(command.load)
    return app


def _demo() -> Any:
    from trackai_pipelines.demo.cli import demo

    return demo


def _up() -> Any:
    from trackai_pipelines.service.cli import up

    return up


def _stop() -> Any:
    from trackai_pipelines.service.cli import stop

    return stop


def _migrate() -> Any:
    from trackai_pipelines.terminal.workspace import migrate

    return migrate


def _explain() -> Any:
    from trackai_pipelines.cli.explain import explain

    return explain


def _sandbox() -> Any:
    from trackai_pipelines.capi_sandbox.cli import sandbox

    return sandbox


def _web() -> Any:
    from trackai_pipelines.web.cli import web

    return web


def _doctor() -> Any:
    from trackai_pipelines.doctor.cli import doctor

    return doctor


def _env() -> Any:
    from trackai_pipelines.service.environment import env

    return env


_FIRST = (
    Command(
        name="demo", says="Show the whole flow on sample data, from an empty folder to the Dagster UI.", load=_demo
    ),
    Command(name="up", says="Run database, migrations, Dagster's webserver and daemon until Ctrl-C.", load=_up),
    Command(name="stop", says="Stop the embedded server that other commands leave running.", load=_stop),
    Command(name="migrate", says="Bring the database to the newest schema and make partitions ahead.", load=_migrate),
)
_LAST = (
    Command(name="explain", says="Show what became of one conversion, step by step.", load=_explain),
    Command(name="web", says="Serve health, metrics and the domains' HTTP routes until Ctrl-C.", load=_web),
    Command(name="doctor", says="Check whether this installation can work, and say how to fix it.", load=_doctor),
    Command(name="env", says="Print export lines that make plain dagster and dg use the same databases.", load=_env),
    Command(name="sandbox", says="Run a local Conversions API that enforces Meta's documented rules.", load=_sandbox),
)

app = build_app()
