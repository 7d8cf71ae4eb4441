"""`trackai sandbox`: a local Conversions API in the foreground, to try out delivery."""

from typing import TYPE_CHECKING, Annotated

import typer

from trackai_pipelines.capi_sandbox import KEPT_EVENTS
from trackai_pipelines.service.serving import DEFAULT_HOST, require_free_port
from trackai_pipelines.terminal.failures import usage
from trackai_pipelines.terminal.output import remark
from trackai_pipelines.terminal.stopping import stop_requests

if TYPE_CHECKING:
    from trackai_pipelines.capi_sandbox.misbehaviour import Misbehaviour

_PORT = 8090


def sandbox(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Its port on this machine; 0 is a free one.")] = _PORT,
    token: Annotated[
        list[str] | None, typer.Option(metavar="T", help="Accept this access token only; repeatable. Default: any.")
    ] = None,
    pixel: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Know this pixel only; repeatable. Default: any number.")
    ] = None,
    latency_ms: Annotated[int, typer.Option(min=0, help="Added to each response.")] = 0,
    misbehave: Annotated[
        list[str] | None,
        typer.Option(
            metavar="JSON",
            help='E.g. \'{"do": "timeout", "probability": 0.1}\'; repeatable. docs/sandbox.md names all of them.',
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seeds what happens by chance.")] = 0,
    keep_events: Annotated[
        int, typer.Option(min=0, help="Accepted events remembered one by one; 0 for totals only.")
    ] = KEPT_EVENTS,
) -> None:
    """Run a local Conversions API that enforces Meta's documented rules, until Ctrl-C.

    A page shows what it received. On request it times out, throttles, refuses and breaks connections.
    """
    from trackai_pipelines.capi_sandbox import server

    misbehaviours = [_misbehaviour(text) for text in misbehave or ()]
    require_free_port(DEFAULT_HOST, port)
    with (
        stop_requests() as stopping,
        server.sandbox(
            port=port,
            tokens=token,
            pixels=pixel,
            latency_ms=latency_ms,
            misbehaviours=misbehaviours,
            seed=seed,
            keep_events=keep_events,
        ) as box,
    ):
        remark(f"The sandbox shows what it receives on {box.base_url}; Ctrl-C ends it.", style="green")
        remark("To deliver to it, export this in the shell of `trackai dispatch`:")
        typer.echo(f"export TRACKAI_CAPI_URL={box.base_url}")
        stopping.wait()
    remark("Stopped.")


def _misbehaviour(text: str) -> "Misbehaviour":
    import msgspec

    from trackai_pipelines.capi_sandbox.misbehaviour import Misbehaviour

    try:
        return msgspec.json.decode(text, type=Misbehaviour)
    except msgspec.DecodeError as error:
        raise usage(f"--misbehave {text}: {error}; docs/sandbox.md shows how it is written") from error
