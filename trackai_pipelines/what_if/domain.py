"""What if: match rates of past days with another value of a gate that matching reads."""

from typing import Any

from trackai_pipelines.domain import Command, Domain


def _what_if() -> Any:
    from trackai_pipelines.what_if.cli import what_if

    return what_if


WHAT_IF = Domain(
    name="what_if",
    says="Match rates of past days, as they were or with another value of a gate.",
    commands=(Command(name="what-if", says="Match rates of past days, from archives and database.", load=_what_if),),
)
