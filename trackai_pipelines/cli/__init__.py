"""The command line `trackai`: one module per concern, put together here.

What belongs here: reading arguments, calling the domains, showing what came of it. What does not: any work of a
domain, and any SQL but doctor's. Modules import what is heavy inside their commands: `trackai --help` is quick.

Exit codes: 0 done, 1 failed, 2 bad usage.
"""

import typer

from trackai_pipelines.capi_sandbox import cli as sandbox
from trackai_pipelines.cli import explain
from trackai_pipelines.delivery import cli as dispatch
from trackai_pipelines.demo import cli as demo
from trackai_pipelines.doctor import cli as doctor
from trackai_pipelines.ingest import cli as load
from trackai_pipelines.lifecycle.archive import cli as restore
from trackai_pipelines.lifecycle.personal_data import cli as erase
from trackai_pipelines.lifecycle.retention import cli as retention
from trackai_pipelines.match_rates import cli as match_rates
from trackai_pipelines.matching import cli as match
from trackai_pipelines.service import cli as up
from trackai_pipelines.service import environment
from trackai_pipelines.tenants import cli as tenant
from trackai_pipelines.terminal import workspace as schema
from trackai_pipelines.terminal.failures import SpeakingGroup
from trackai_pipelines.what_if import cli as what_if

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
app.command("aggregate")(match_rates.aggregate)
app.command("dispatch")(dispatch.dispatch)
app.command("restore")(restore.restore)
app.command("retention")(retention.retention)
app.command("erase")(erase.erase)
app.command("explain")(explain.explain)
app.command("sandbox")(sandbox.sandbox)
app.command("what-if")(what_if.what_if)
app.command("doctor")(doctor.doctor)
app.command("env")(environment.env)
