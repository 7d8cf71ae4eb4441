"""One report of all benchmarks: a table for people, figures for programs, Markdown and a drawing for the documentation.

What belongs here: keeping figures and showing them. What does not: measuring. Figures of a benchmark that is not run
again are kept, so the long ones may be run one at a time.
"""

import json
import os
import platform
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from psycopg import Connection

from benchmarks.figures import Figure, tables
from trackai_pipelines.terminal.output import results, table

_CHART_WIDTH = 900


@dataclass(frozen=True)
class Measured:
    """The figures of one run of a benchmark, and where and when it ran."""

    scale: str
    machine: str
    measured_at: str
    charted: list[str]
    """Names of the figures that are drawn."""
    figures: list[Figure]


def machine(connection: Connection[Any]) -> str:
    """What the figures were measured on, in a line."""
    row = connection.execute("SELECT current_setting('server_version')").fetchone()
    assert row is not None
    memory = psutil.virtual_memory().total / 1024**3
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GB, {platform.system()}, PostgreSQL {row[0].split()[0]}, "
        f"Python {platform.python_version()}"
    )


def measured_now(scale: str, where: str, charted: Iterable[str], figures: list[Figure]) -> Measured:
    """These figures with the present time."""
    return Measured(scale, where, datetime.now(UTC).isoformat(timespec="minutes"), list(charted), figures)


def kept(path: Path) -> dict[str, Measured]:
    """The figures of earlier runs, by benchmark; none where there is no file yet."""
    if not path.exists():
        return {}
    stored = json.loads(path.read_text(encoding="utf-8"))
    return {
        name: Measured(**{**found, "figures": [Figure(**figure) for figure in found["figures"]]})
        for name, found in stored.items()
    }


def show(figures: Iterable[Figure]) -> None:
    """Print the tables on standard output."""
    for title, cases in tables(figures).items():
        names = _names(cases)
        rows = [
            (case, *(_rounded(found[name].value) if name in found else None for name in names))
            for case, found in cases.items()
        ]
        results().print(title)
        results().print(table(("", *names), rows))
    promised = [figure for figure in figures if figure.bound]
    if promised:
        rows = [(f.title, f.case, f.name, _rounded(f.value), f.bound, "yes" if f.holds else "NO") for f in promised]
        results().print("Must hold")
        results().print(table(("", "case", "figure", "measured", "bound", "holds"), rows))


def write(path: Path, found: Mapping[str, Measured]) -> None:
    """Keep the figures as JSON at `path`, and next to it as Markdown and SVG under the same name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({name: asdict(one) for name, one in found.items()}, indent=1) + "\n", encoding="utf-8")
    path.with_suffix(".md").write_text(_markdown(found, path.with_suffix(".svg").name), encoding="utf-8")
    _draw(path.with_suffix(".svg"), found.values())


def _names(cases: Mapping[str, Mapping[str, Figure]]) -> list[str]:
    return list(dict.fromkeys(name for found in cases.values() for name in found))


def _rounded(value: float) -> float:
    """As many digits as a measurement deserves."""
    return round(value) if abs(value) >= 100 else float(f"{value:.3g}")


def _markdown(found: Mapping[str, Measured], chart: str) -> str:
    parts = ["# Figures of the benchmarks", f"![Figures of the benchmarks]({chart})"]
    for name, measured in found.items():
        parts.append(f"## {name}")
        parts.append(f"Scale {measured.scale}, {measured.measured_at}; {measured.machine}.")
        for title, cases in tables(measured.figures).items():
            names = _names(cases)
            lines = [f"| {title} | {' | '.join(names)} |", f"|---|{'---:|' * len(names)}"]
            for case, values in cases.items():
                cells = (f"{_rounded(values[name].value):,}" if name in values else "" for name in names)
                lines.append(f"| {case} | {' | '.join(cells)} |")
            parts.append("\n".join(lines))
        promised = [figure for figure in measured.figures if figure.bound]
        if promised:
            lines = ["| must hold | figure | measured | bound | holds |", "|---|---|---:|---|---|"]
            for figure in promised:
                value = f"{_rounded(figure.value):,}"
                holds = "yes" if figure.holds else "**no**"
                lines.append(f"| {figure.case} | {figure.name} | {value} | {figure.bound} | {holds} |")
            parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _draw(path: Path, found: Iterable[Measured]) -> None:
    """One drawing, a bar chart a table below each other; it needs nothing from elsewhere, and no script."""
    from xml.etree import ElementTree

    import pygal  # type: ignore[import-untyped]
    from pygal.style import CleanStyle  # type: ignore[import-untyped]

    ElementTree.register_namespace("", "http://www.w3.org/2000/svg")
    whole = ElementTree.Element("{http://www.w3.org/2000/svg}svg")
    top = 0
    for measured in found:
        for title, cases in tables(measured.figures).items():
            drawn = [name for name in _names(cases) if name in measured.charted]
            if not drawn:
                continue
            height = 130 + 28 * len(cases) * len(drawn)
            chart = pygal.HorizontalBar(
                pygal.Config(js=[], css=["file://style.css", "file://graph.css"]),
                style=CleanStyle(title_font_size=18, label_font_size=13, legend_font_size=13, value_font_size=12),
                title=title,
                width=_CHART_WIDTH,
                height=height,
                legend_at_bottom=True,
                print_values=True,
                formatter=lambda value: f"{_rounded(value):,}",
                show_x_guides=False,
                show_y_guides=False,
            )
            # The first case is drawn on top.
            order = list(reversed(cases.items()))
            chart.x_labels = [case for case, _ in order]
            for name in drawn:
                chart.add(name, [values[name].value if name in values else None for _, values in order])
            panel = ElementTree.fromstring(chart.render(disable_xml_declaration=True))  # noqa: S314 - just made here
            for element in panel.iter():
                for script in element.findall("{http://www.w3.org/2000/svg}script"):
                    element.remove(script)
            panel.set("y", str(top))
            panel.set("width", str(_CHART_WIDTH))
            panel.set("height", str(height))
            whole.append(panel)
            top += height
    whole.set("viewBox", f"0 0 {_CHART_WIDTH} {max(top, 1)}")
    path.write_bytes(ElementTree.tostring(whole) + b"\n")
