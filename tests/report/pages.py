"""Reading a report's page, and writing one section of given data.

What belongs here: what tests of the page and of sections share. What does not: assertions about what a page says.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from psycopg import Connection

from trackai_pipelines.domain import Domain, Period, Section
from trackai_pipelines.report.page import write_report

NOON = datetime(2025, 6, 10, 12, tzinfo=UTC)
JUNE = Period(date(2025, 6, 1), date(2025, 6, 30))
NASTY = "<script>alert('x')</script> & Sons \"Ltd\""


class Page(HTMLParser):
    """A page's text, its elements, and whether they are closed in order."""

    void = frozenset({"meta", "br"})

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.void:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append(" ".join(data.split()))

    def all(self, tag: str) -> Iterator[dict[str, str | None]]:
        return (attributes for name, attributes in self.elements if name == tag)


def write(
    connection: Connection[Any],
    path: Path,
    *given: tuple[Section, Mapping[str, Any]],
    period: Period = JUNE,
    at: datetime = NOON,
) -> Path:
    """Write a report of sections that show this data instead of reading the database's."""
    domains = [
        Domain(name=f"part{number}", says="A part.", section=lambda section=section, data=data: _of(section, data))  # type: ignore[misc]
        for number, (section, data) in enumerate(given)
    ]
    return write_report(connection, path, domains, period, clock=lambda: at).path


def _of(section: Section, data: Mapping[str, Any]) -> Section:
    return Section(
        title=section.title,
        template=section.template,
        data=lambda connection, period: data,
        figures=section.figures,
        rank=section.rank,
    )
