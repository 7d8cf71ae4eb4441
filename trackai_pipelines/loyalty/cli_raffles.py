"""`trackai loyalty raffle`: open, enter, close, draw, verify.

What belongs here: options, the seed's file, and what is published. What does not: the draw (raffles.py).
"""

import secrets
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from trackai_pipelines.loyalty import cli_options as shared
from trackai_pipelines.terminal.authors import By, login
from trackai_pipelines.terminal.failures import usage
from trackai_pipelines.terminal.output import fail, remark, results

raffle = typer.Typer(help="Raffles that anybody can verify.", no_args_is_help=True)

_Mission = Annotated[str, typer.Argument(metavar="MISSION", help="The raffle.")]
_SeedFile = Annotated[
    Path, typer.Option(dir_okay=False, metavar="FILE", help="Where the seed is kept until the draw. Keep it secret.")
]


@raffle.command("open")
def open_raffle(
    tenant: shared.Tenant,
    mission: _Mission,
    seed_file: _SeedFile,
    entropy_source: Annotated[
        str | None, typer.Option(help="The public value of a moment after the end that the draw will use.")
    ] = None,
) -> None:
    """Open a raffle for entries: write a new seed into a file and publish the commitment to it."""
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.loyalty import raffles
    from trackai_pipelines.loyalty.chosen import tenant_of

    seed = secrets.token_hex(raffles.SEED_BYTES)
    with shared.opened() as connection:
        tenant_id = tenant_of(connection, tenant)
        with connection.transaction():
            published = raffles.open_raffle(connection, tenant_id, mission, seed, entropy_source, utc_now())
            _write(seed_file, seed)
    results().print(f"{mission}: open, commitment {published}", markup=False)
    if entropy_source is None:
        remark("Without --entropy-source the draw will be unwitnessed: you could have chosen entrants.", style="yellow")


@raffle.command()
def enter(tenant: shared.Tenant, mission: _Mission, creator: shared.Creator) -> None:
    """Enter a creator into a raffle, as the app does; entering twice is entering once."""
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.loyalty.chosen import tenant_of
    from trackai_pipelines.loyalty.claims import ClaimRefusedError
    from trackai_pipelines.loyalty.raffles import enter_raffle

    with shared.opened() as connection:
        try:
            at = enter_raffle(connection, tenant_of(connection, tenant), mission, creator, utc_now())
        except ClaimRefusedError as error:
            raise usage(f"{error.refusal}: {error}") from error
    results().print(f"{creator}: in {mission} since {at:%Y-%m-%d %H:%M:%S} UTC", markup=False)


@raffle.command()
def close(tenant: shared.Tenant, mission: _Mission) -> None:
    """Close a raffle whose end has come, and publish the digest of its entries."""
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.loyalty.chosen import tenant_of
    from trackai_pipelines.loyalty.raffles import close_raffle

    with shared.opened() as connection:
        closed = close_raffle(connection, tenant_of(connection, tenant), mission, utc_now())
    results().print(f"{mission}: closed, {closed.entries:,} entries, digest {closed.entries_digest}", markup=False)


@raffle.command()
def draw(
    tenant: shared.Tenant,
    mission: _Mission,
    seed_file: _SeedFile,
    entropy: Annotated[str | None, typer.Option(help="The public value, as its source published it.")] = None,
    by: By = "",
) -> None:
    """Draw a closed raffle and reveal the seed. Drawing again names the same winners."""
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.loyalty.chosen import tenant_of
    from trackai_pipelines.loyalty.raffles import draw_raffle

    seed = seed_file.read_text(encoding="ascii").strip()
    with shared.opened() as connection:
        winners = draw_raffle(
            connection, tenant_of(connection, tenant), mission, seed, entropy, by=by or login(), now=utc_now()
        )
    results().print(f"{mission}: {', '.join(winners) or 'nobody'} won; seed {seed}", markup=False)


@raffle.command()
def verify(tenant: shared.Tenant, mission: _Mission, as_json: shared.AsJson = False) -> None:
    """Draw again from published values alone. Exit code 1 when something else comes out."""
    from trackai_pipelines.clock import utc_now
    from trackai_pipelines.loyalty import raffles
    from trackai_pipelines.loyalty.chosen import tenant_of

    with shared.opened() as connection:
        tenant_id = tenant_of(connection, tenant)
        found = raffles.read_raffle(connection, tenant_id, mission, utc_now())
        drawn = raffles.entrants(connection, tenant_id, mission)
        faults = raffles.verify_draw(found, tenant_id, drawn)
    if as_json:
        published = {**asdict(found), "entrants": [asdict(one) for one in drawn]}
        shared.echo({"tenant_id": tenant_id, **published, "witnessed": found.is_witnessed, "faults": faults})
    if faults:
        fail(f"{mission} does not come out again: {'; '.join(faults)}.")
    if not as_json:
        unwitnessed = "" if found.is_witnessed else "; unwitnessed: the operator could have chosen entrants"
        winners = ", ".join(one.user_id for one in drawn if one.is_winner)
        results().print(f"{mission}: {winners or 'nobody'} won, of {len(drawn):,}{unwitnessed}", markup=False)


def _write(path: Path, seed: str) -> None:
    """Write a seed into a new file that only its owner can read."""
    path.touch(mode=0o600, exist_ok=False)
    path.write_text(f"{seed}\n", encoding="ascii")
