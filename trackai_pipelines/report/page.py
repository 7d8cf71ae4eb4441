"""Writing a report: the sections of the domains, rendered into one file.

What belongs here: the order of the page, what every template can use, the file. What does not: where the file goes by
default (`places.py`), and what a section says.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC
from decimal import Decimal
from pathlib import Path
from typing import Any

from psycopg import Connection

from trackai_pipelines.clock import Clock, utc_now
from trackai_pipelines.database.statements import statement
from trackai_pipelines.domain import Domain, Period
from trackai_pipelines.errors import ExpectedError

_TEMPLATES = Path(__file__).with_name("templates")


class UnknownTenantError(ExpectedError):
    """The report is asked for a tenant that does not exist."""


@dataclass(frozen=True, slots=True)
class Report:
    """A written report, and its main figures by label: an int is a count, a float a share of 1, None is not known."""

    path: Path
    period: Period
    figures: Mapping[str, int | float | None]

    @property
    def empty(self) -> bool:
        """Whether no figure says anything: the period has no data."""
        return not any(self.figures.values())


def write_report(
    connection: Connection[Any], path: Path, domains: Iterable[Domain], period: Period, *, clock: Clock = utc_now
) -> Report:
    """Write the report of a period to `path`; make its folder, and replace an older page there at once.

    Sections come by rank, then in the order of `domains`. Raises UnknownTenantError.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    tenant = _name_of(connection, period.tenant) if period.tenant else None
    environment = Environment(
        # "/": a section's template is found by its absolute path.
        loader=FileSystemLoader([_TEMPLATES, "/"]),
        # Names and reasons come from outside: everything is escaped.
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(count="{:,}".format, percent=percent, money="{:,.0f}".format, share=share, figure=_shown)
    declared = [(domain.name, domain.section()) for domain in domains if domain.section]
    figures: dict[str, int | float | None] = {}
    parts = []
    for name, section in sorted(declared, key=lambda one: one[1].rank):
        data = section.data(connection, period)
        if section.figures:
            figures |= section.figures(data)
        parts.append((name, section.title, environment.get_template(str(section.template)).render(data)))
    page = environment.get_template("page.html").render(
        parts=parts, figures=figures, period=period, tenant=tenant, written_at=clock().astimezone(UTC)
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f"{path.name}.new")
    half.write_text(page, encoding="utf-8")
    half.replace(path)
    return Report(path, period, figures)


def share(part: int | Decimal, whole: int | Decimal) -> float | None:
    """Return a part as a share of the whole, 0 to 1; None where there is no whole."""
    return float(part / whole) if whole else None


def percent(of_one: float | None) -> str:
    """Return a share between 0 and 1 for people."""
    return "n/a" if of_one is None else f"{of_one:.1%}"


def _shown(figure: int | float | None) -> str:
    return f"{figure:,}" if isinstance(figure, int) else percent(figure)


def _name_of(connection: Connection[Any], slug: str) -> str:
    row = connection.execute(statement("report/tenant_name"), {"slug": slug}).fetchone()
    if row is None:
        raise UnknownTenantError(f"There is no tenant {slug}. `trackai tenant list` shows those that there are.")
    return str(row[0])
