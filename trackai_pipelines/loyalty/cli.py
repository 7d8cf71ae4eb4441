"""`trackai loyalty`: the group; its commands live by topic in cli_<topic>.py.

What belongs here: which commands there are. What does not: what they do.
"""

import typer

from trackai_pipelines.loyalty import (
    cli_claims,
    cli_creators,
    cli_evaluate,
    cli_post,
    cli_raffles,
    cli_rewards,
    cli_rules,
    cli_standing,
    cli_what_if,
)

app = typer.Typer(help="What creators sold, which tier they hold for it, and their rewards.", no_args_is_help=True)

app.add_typer(cli_rules.program, name="program")
app.add_typer(cli_rules.tier, name="tier")
app.add_typer(cli_creators.creator, name="creator")
app.command()(cli_creators.adjust)
app.command()(cli_post.post)
app.command()(cli_evaluate.evaluate)
app.command()(cli_evaluate.replay)
app.command()(cli_standing.standing)
app.command()(cli_standing.override)
app.command()(cli_standing.corrections)
app.command("what-if")(cli_what_if.what_if)
app.add_typer(cli_rewards.reward, name="reward")
app.add_typer(cli_rewards.mission, name="mission")
app.command()(cli_claims.claim)
app.add_typer(cli_claims.redemption, name="redemption")
app.add_typer(cli_claims.boost, name="boost")
app.add_typer(cli_claims.gift, name="gift")
app.add_typer(cli_raffles.raffle, name="raffle")
