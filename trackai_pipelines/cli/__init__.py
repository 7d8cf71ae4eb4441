"""The command line `trackai`: one module per concern, put together here.

What belongs here: reading arguments, calling the domains, showing what came of it. What does not: any work of a
domain, and any SQL but doctor's. Modules import what is heavy inside their commands: `trackai --help` is quick.

Exit codes: 0 done, 1 failed, 2 bad usage.
"""

import typer

from trackai_pipelines.cli import (
    demo,
    dispatch,
    doctor,
    environment,
    erase,
    explain,
    load,
    match,
    restore,
    retention,
    sandbox,
    schema,
    tenant,
    up,
    what_if,
)
from trackai_pipelines.cli.failures import SpeakingGroup

app = typer.Typer(
    name="trackai",
    cls=SpeakingGroup,
    no_args_is_help=True,
    add_completion=False,
    # A traceback that shows variables would show passwords.
    pretty_exceptions_enable=False,
    help="Ad clicks and gateway conversions become matched attributions and match rates. Without "
    "TRACKAI_DATABASE_URL all commands use an embedded PostgreSQL server in TRACKAI_HOME (default: .trackai), which "
    "is started, and its schema brought up to date, when a command needs it. A database of your own is changed by "
    "`migrate`, `up` and `demo` alone.",
)
app.command("demo")(demo.demo)
app.command("up")(up.up)
app.command("stop")(up.stop)
app.command("migrate")(schema.migrate)
app.add_typer(tenant.app, name="tenant")
app.command("ingest")(load.ingest)
app.command("match")(match.match)
app.command("rematch")(match.rematch)
app.command("aggregate")(match.aggregate)
app.command("dispatch")(dispatch.dispatch)
app.command("restore")(restore.restore)
app.command("retention")(retention.retention)
app.command("erase")(erase.erase)
app.command("explain")(explain.explain)
app.command("sandbox")(sandbox.sandbox)
app.command("what-if")(what_if.what_if)
app.command("doctor")(doctor.doctor)
app.command("env")(environment.env)
