"""`trackai campaigns`: the group; its commands live by topic in cli_<topic>.py.

What belongs here: which commands there are. What does not: what they do.
"""

import typer

from trackai_pipelines.campaigns import cli_costs, cli_decisions, cli_journeys, cli_models, cli_report

app = typer.Typer(help="What each campaign cost, sold and deserves.", no_args_is_help=True)

app.command()(cli_report.aggregate)
app.command()(cli_report.report)
app.command()(cli_costs.unjoined)
app.command()(cli_costs.alias)
app.command()(cli_costs.account)
app.command()(cli_costs.restatements)
app.command()(cli_decisions.train)
app.command()(cli_journeys.journey)
app.command()(cli_models.models)
app.command()(cli_models.what_if)
app.command()(cli_decisions.recommend)
app.command()(cli_decisions.implemented)
