"""Charts as static SVG for inside a page: pygal lays them out, the page's style sheet colours them.

What belongs here: kinds of charts that several domains can use. What does not: what is drawn, and in what order.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple
from xml.etree import ElementTree

if TYPE_CHECKING:
    from markupsafe import Markup

# The drawing's units; it is scaled to the width of the page.
WIDTH = 560
HEIGHT = 190
_FONT_SIZE = 11
# Labels that fit next to each other below the bars.
_MOST_LABELS = 7
# Bars of only a few days would look like walls, so they get the width that they have in a week.
_LEAST_SLOTS = 7


def stacked_shares(
    name: str, labels: Sequence[str], shares: Mapping[str, Sequence[float]], titles: Sequence[str]
) -> "Markup":
    """Return a bar for each label, its segments from the ground up in the order of `shares` (0 to 1 each).

    `titles` are what a pointer at a bar shows. A segment has the page's class `color-N`, N being its place in `shares`.
    """
    import pygal  # type: ignore[import-untyped]
    from pygal.style import Style  # type: ignore[import-untyped]

    blanks = max(0, _LEAST_SLOTS - len(labels))
    every = -(-len(labels) // _MOST_LABELS)
    chart = pygal.StackedBar(
        pygal.Config(js=[], css=[]),
        # Sizes only: pygal leaves room for the text. The page's style sheet does the rest.
        style=Style(label_font_size=_FONT_SIZE, major_label_font_size=_FONT_SIZE),
        width=WIDTH,
        height=HEIGHT,
        margin=4,
        # On a phone the text is larger than pygal knows.
        margin_left=16,
        spacing=6,
        show_legend=False,
        range=(0, 1),
        y_labels=[0, 0.25, 0.5, 0.75, 1],
        value_formatter="{:.0%}".format,
        x_labels=[*(label if n % every == 0 else "" for n, label in enumerate(labels)), *[""] * blanks],
        # pygal would cut labels to the width of a bar.
        truncate_label=25,
    )
    for series, values in shares.items():
        bars = [{"value": value, "tooltip": title} for value, title in zip(values, titles, strict=True)]
        chart.add(series, [*bars, *[None] * blanks])
    return _for_page(chart.render_tree(), name)


class Point(NamedTuple):
    """A share with the bounds that it lies in; None: not known."""

    place: int
    """Place of its label."""
    value: float
    lower: float | None
    upper: float | None
    title: str
    """What a pointer at it shows."""


def banded_lines(name: str, labels: Sequence[str], lines: Mapping[str, Sequence[Point]]) -> "Markup":
    """Return a line through the points of each series, in the order of their places, in a band between their bounds.

    A series has the page's class `color-N`, N being its place in `lines`. The axis covers the newer half of the points:
    early bounds may be far away, and are cut.
    """
    import pygal
    from pygal.style import Style

    low, high = _reach([point for points in lines.values() for point in points[len(points) // 2 :]])
    every = -(-len(labels) // _MOST_LABELS)
    chart = pygal.XY(
        pygal.Config(js=[], css=[]),
        style=Style(label_font_size=_FONT_SIZE, major_label_font_size=_FONT_SIZE),
        width=WIDTH,
        height=HEIGHT,
        margin=4,
        margin_left=16,
        # Half of the last label.
        margin_right=20,
        show_legend=False,
        range=(low, high),
        y_labels_major=[0],
        min_scale=4,
        max_scale=8,
        xrange=(0, max(len(labels) - 1, 1)),
        dots_size=2.5,
        value_formatter=lambda share: f"{share:+.0%}" if share else "0%",
        x_labels=range(0, len(labels), every),
        x_value_formatter=lambda place: labels[int(place)],
        truncate_label=25,
    )
    for series, points in lines.items():
        bounded = [(p.place, p.lower, p.upper) for p in points if p.lower is not None and p.upper is not None]
        above = [(place, min(upper, high)) for place, _, upper in bounded]
        below = [(place, max(lower, low)) for place, lower, _ in bounded]
        # Out along one bound and back along the other.
        chart.add(f"{series}, bounds", [*above, *reversed(below)], fill=True, show_dots=False)
        chart.add(series, [{"value": (p.place, min(max(p.value, low), high)), "tooltip": p.title} for p in points])
    svg = chart.render_tree()
    for group in svg.iter("g"):
        kind, _, place = group.get("class", "").removeprefix("series serie-").partition(" color-")
        if place:
            group.set("class", f"{'line' if int(kind) % 2 else 'band'} color-{int(kind) // 2}")
    return _for_page(svg, name)


def _reach(points: Iterable[Point]) -> tuple[float, float]:
    """Return the least and the greatest share that the points and their bounds reach; 0 is between them."""
    known = [value for point in points for value in point[1:4] if isinstance(value, float)]
    return min([*known, -0.05]), max([*known, 0.05])


def _for_page(svg: ElementTree.Element, name: str) -> "Markup":
    """Take out what only pygal's script, or a file of its own, would need."""
    from markupsafe import Markup

    _prune(svg)
    svg.attrib.clear()
    svg.attrib.update({"viewBox": f"0 0 {WIDTH} {HEIGHT}", "role": "img", "aria-label": name})
    return Markup(ElementTree.tostring(svg, encoding="unicode"))  # noqa: S704 - escaped by the serialiser


def _prune(element: ElementTree.Element) -> None:
    for child in list(element):
        if _is_spare(element, child):
            element.remove(child)
        else:
            _prune(child)
            if child.tag == "g" and not len(child):
                element.remove(child)
    for attribute in ("x", "y", "width", "height"):
        if attribute in element.attrib:
            element.set(attribute, f"{float(element.attrib[attribute]):.2f}")
    for attribute in ("rx", "ry"):
        element.attrib.pop(attribute, None)


def _is_spare(parent: ElementTree.Element, element: ElementTree.Element) -> bool:
    # A comment's tag is a function.
    if not isinstance(element.tag, str) or element.tag in ("defs", "desc"):
        return True
    if element.tag == "g" and element.findtext("text", "filled") == "":
        return True
    kinds = element.get("class", "").split()
    if element.tag == "title":
        return not {"bar", "dots"}.intersection(parent.get("class", "").split())
    if "tooltip-overlay" in kinds or "background" in kinds:
        return True
    bar = element.find("rect") if "bar" in kinds else None
    return bar is not None and float(bar.get("height", 0)) == 0
