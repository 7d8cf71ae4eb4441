"""The sample's creators: what each sells in fourteen months, and what must become of each.

What belongs here: five courses, made so that their events are known: a tier is reached or lost by amounts that were
chosen for it. What does not: rows in the database, and the proof (sample.py).
"""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

CREATORS = 200
MONTHS = 14
WINDOW_MONTHS = 4
_SPREAD = 60
"""Days over which creators enrol."""


@dataclass(slots=True)
class SampleCreator:
    """A creator, what they sell, and the events that must be found."""

    user_id: str
    enrolled_on: date
    sales: list[tuple[date, int]] = field(default_factory=list)
    """Days with amounts; a negative one is a refund."""
    by_hand: date | None = None
    """The day from which the tier is gold by hand."""
    events: list[tuple[date, str, str]] = field(default_factory=list)
    """Days with status and tier."""


def first_day(end: date) -> date:
    """Return the program's first day: the first of a month, fourteen months before the end."""
    return months_after(end.replace(day=1), -MONTHS)


def months_after(day: date, months: int) -> date:
    """Return the day some months later, the last one of a month that is too short."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def build(end: date) -> list[SampleCreator]:
    """Return the creators, with all that happens before the day `end`."""
    courses = (_stays, _is_kept, _climbs_and_falls, _is_refunded, _wins_a_contest)
    made = []
    for number in range(CREATORS):
        creator = SampleCreator(f"creator{number:03}", first_day(end) + timedelta(days=number * 7 % _SPREAD))
        creator.events.append((creator.enrolled_on, "enrolled", "bronze"))
        courses[number % len(courses)](creator, end)
        creator.sales = [(day, amount) for day, amount in creator.sales if day < end]
        creator.events = [event for event in creator.events if event[0] < end]
        made.append(creator)
    return made


def _after(day: date, days: int) -> date:
    return day + timedelta(days=days)


def _windows(anchor: date, end: date) -> Iterator[tuple[date, date]]:
    """Yield the windows of an anchor that begin before a day."""
    number = 0
    while (starts := months_after(anchor, number * WINDOW_MONTHS)) < end:
        number += 1
        yield starts, months_after(anchor, number * WINDOW_MONTHS)


def _keep(creator: SampleCreator, anchor: date, tier: str, amount: int, end: date) -> None:
    """Sell an amount in each window from an anchor on; the tier is kept."""
    for starts, ends in _windows(anchor, end):
        creator.sales += [(_after(starts, 10), amount // 2), (_after(starts, 80), amount - amount // 2)]
        creator.events.append((ends, "maintained", tier))


def _stays(creator: SampleCreator, end: date) -> None:
    """Bronze: 900 in four months reach nothing."""
    _keep(creator, creator.enrolled_on, "bronze", 900, end)


def _is_kept(creator: SampleCreator, end: date) -> None:
    """Silver on the day after 1,000, kept with 1,200 in each window."""
    creator.sales.append((_after(creator.enrolled_on, 20), 1_000))
    reached = _after(creator.enrolled_on, 21)
    creator.events.append((reached, "promoted", "silver"))
    _keep(creator, reached, "silver", 1_200, end)


def _climbs_and_falls(creator: SampleCreator, end: date) -> None:
    """Silver with 4,200, gold with 800 more; kept once, then silver with 1,100, then bronze."""
    creator.sales += [(_after(creator.enrolled_on, 10), 4_200), (_after(creator.enrolled_on, 15), 800)]
    gold = _after(creator.enrolled_on, 16)
    creator.events += [(_after(creator.enrolled_on, 11), "promoted", "silver"), (gold, "promoted", "gold")]
    first, second = months_after(gold, WINDOW_MONTHS), months_after(gold, 2 * WINDOW_MONTHS)
    creator.sales += [(_after(gold, 30), 5_000), (_after(first, 5), 1_100)]
    lost = months_after(second, WINDOW_MONTHS)
    creator.events += [(first, "maintained", "gold"), (second, "demoted", "silver"), (lost, "demoted", "bronze")]
    _keep(creator, lost, "bronze", 0, end)


def _is_refunded(creator: SampleCreator, end: date) -> None:
    """Silver, and 1,100 in its window, of which 200 are refunded: bronze again."""
    creator.sales.append((_after(creator.enrolled_on, 20), 1_000))
    reached = _after(creator.enrolled_on, 21)
    creator.sales += [(_after(reached, 10), 1_100), (_after(reached, 50), -200)]
    lost = months_after(reached, WINDOW_MONTHS)
    creator.events += [(reached, "promoted", "silver"), (lost, "demoted", "bronze")]
    _keep(creator, lost, "bronze", 300, end)


def _wins_a_contest(creator: SampleCreator, end: date) -> None:
    """Gold by hand, and nothing sold in its window."""
    creator.by_hand = _after(creator.enrolled_on, 100)
    lost = months_after(creator.by_hand, WINDOW_MONTHS)
    creator.events += [(creator.by_hand, "manual", "gold"), (lost, "demoted", "bronze")]
    _keep(creator, lost, "bronze", 600, end)
