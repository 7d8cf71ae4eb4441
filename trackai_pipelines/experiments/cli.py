"""`trackai experiments`: the group; its commands live by topic in cli_<topic>.py.

What belongs here: which commands there are. What does not: what they do.
"""

import typer

from trackai_pipelines.experiments import (
    cli_calibrate,
    cli_compute,
    cli_create,
    cli_life,
    cli_plan,
    cli_replay,
    cli_show,
    cli_users,
    cli_what_if,
)

app = typer.Typer(help="Which variant sells more, by how much, and how sure that is.", no_args_is_help=True)

app.command()(cli_create.create)
app.command()(cli_create.delete)
app.command()(cli_plan.plan)
app.command()(cli_life.start)
app.command()(cli_life.pause)
app.command()(cli_life.resume)
app.command()(cli_life.complete)
app.command()(cli_life.archive)
app.command("list")(cli_life.list_tests)
app.command()(cli_show.show)
app.command()(cli_compute.compute)
app.command()(cli_replay.replay)
app.command("what-if")(cli_what_if.what_if)
app.command()(cli_users.assign)
app.command()(cli_users.exclude)
app.command()(cli_calibrate.aa)
