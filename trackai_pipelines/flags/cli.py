"""`trackai flags`: the group; its commands live by topic in cli_<topic>.py.

What belongs here: which commands there are. What does not: what they do.
"""

import typer

from trackai_pipelines.flags import (
    cli_changes,
    cli_clients,
    cli_eval,
    cli_files,
    cli_overrides,
    cli_ramps,
    cli_reading,
    cli_segments,
    cli_serve,
)

app = typer.Typer(help="Who gets what, since when, and what it changed.", no_args_is_help=True)

app.command("list")(cli_reading.list_flags)
app.command()(cli_reading.show)
app.command()(cli_reading.gates)
app.command()(cli_reading.history)
app.command("eval")(cli_eval.evaluate)
app.command()(cli_changes.create)
app.command("set")(cli_changes.set_flag)
app.command()(cli_changes.variant)
app.command()(cli_segments.segment)
app.command()(cli_changes.archive)
app.command()(cli_overrides.override)
app.command()(cli_overrides.kill)
app.command()(cli_overrides.unkill)
app.command()(cli_ramps.ramp)
app.command()(cli_ramps.plans)
app.command()(cli_ramps.cancel)
app.command()(cli_files.export)
app.command()(cli_files.apply)
app.command()(cli_files.references)
app.add_typer(cli_clients.app, name="client")
app.command()(cli_serve.serve)
