"""The page for people: what was received, and what was refused.

What belongs here: the layout of the record. What does not: keeping it.
"""

from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from trackai_pipelines.capi_sandbox.misbehaviour import Script
from trackai_pipelines.capi_sandbox.record import Record

if TYPE_CHECKING:
    from jinja2 import Template

_SHOWN = 25


def page(record: Record, script: Script) -> str:
    """Return the present record and script as HTML."""
    refused = (one for one in reversed(record.requests) if one.did == "refused")
    return _template().render(
        pixels=sorted(record.pixels.values(), key=lambda pixel: pixel.pixel),
        requests=list(islice(reversed(record.requests), _SHOWN)),
        refusals=list(islice(refused, _SHOWN)),
        misbehaviours=script.in_force(),
    )


@cache
def _template() -> "Template":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    folder = FileSystemLoader(Path(__file__).with_name("templates"))
    return Environment(loader=folder, autoescape=True, undefined=StrictUndefined).get_template("page.html")
