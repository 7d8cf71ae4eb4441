"""Random worlds of loyalty: rules that change, late, restated and refunded sales, and tiers that are set by hand.

What belongs here: chance. What does not: working worlds out (evaluator.py), and the database (worlds.py).
"""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from random import Random

from loyalty.evaluator import DAY, Entry, Member, Program, Tier, World

FIRST = date(2023, 12, 20)
DAYS = 110
LAST = FIRST + (DAYS - 1) * DAY
# Of each tier in turn.
SALES = (Decimal(0), Decimal(100), Decimal("250.0001"), Decimal(900))
UNITS = (0, 5, 12, 40)
CENT_OF_CENT = Decimal("0.0001")
FACTORS = ("1", "1", "1.2", "0.7")


def random_world(chance: Random) -> tuple[World, dict[date, int]]:
    """Return a world, and the last posting that each of its days knows."""
    metric = chance.choice(("sales", "sales", "units"))
    begins = sorted({FIRST, *(FIRST + chance.randrange(1, DAYS) * DAY for _ in range(chance.randrange(3)))})
    programs = [
        Program(
            valid_from=day,
            vip_metric=metric if chance.random() < 0.9 else "units",
            currency="USD" if chance.random() < 0.9 else "EUR",
            checkpoint_months=chance.choice((1, 1, 1, 2, 2, 3, None)),
            grace_days=chance.choice((0, 0, 3, 10)),
            demote_to=chance.choice(("earned", "one_step")),
            corrections=chance.choice(("none", "up", "up", "both", "both")),
        )
        for day in begins
    ]
    tiers = [
        Tier(f"tier_{order}", FIRST, order, SALES[order - 1], UNITS[order - 1], order == exempt)
        for exempt in [chance.choice((0, 0, 0, 2, 3, 4))]
        for order in range(1, 5)
    ]
    if chance.random() < 0.5:
        # Thresholds change together, so that they still rise with the order.
        factor, day = Decimal(chance.choice(FACTORS)), FIRST + chance.randrange(1, DAYS) * DAY
        tiers += [
            Tier(
                one.tier_id,
                day,
                one.tier_order,
                ((one.sales_threshold or 0) * factor).quantize(CENT_OF_CENT),
                int((one.units_threshold or 0) * factor),
                chance.random() < 0.1,
            )
            for one in tiers[1:4]
        ]
    members = []
    for number in range(4):
        enrolled = FIRST + chance.choice((0, 0, 5, 11, 42)) * DAY
        left = enrolled + chance.randrange(20, DAYS) * DAY if chance.random() < 0.15 else None
        members.append(Member(f"c{number}", enrolled, left))
    world = World(programs, tiers, members)
    for member in members:
        if chance.random() < 0.4:
            day = member.enrolled_on + chance.randrange(1, DAYS) * DAY
            world.overrides = {**world.overrides, (member.user_id, day): f"tier_{chance.randrange(1, 5)}"}
    return world, _sell(chance, world)


def _sell(chance: Random, world: World) -> dict[date, int]:
    """Fill the ledger, and return the last posting that each day knows."""
    arrivals: list[tuple[date, Entry]] = []
    for member in world.members:
        rate = chance.choice((0.02, 0.08, 0.3))
        for count in range(-10, DAYS):
            if chance.random() >= rate:
                continue
            day = FIRST + count * DAY
            amount = Decimal(chance.choice((20, 60, 100, 250, 400, 900))) + Decimal(chance.randrange(-1, 2)) / 10_000
            entry = Entry(0, member.user_id, day, amount, chance.randrange(6), chance.choice(("USD",) * 9 + ("EUR",)))
            arrives = day + chance.choice((0, 1, 1, 1, 1, 2, 9, 25, 50)) * DAY
            arrivals.append((arrives, entry))
            if chance.random() < 0.3:
                share = Decimal(chance.choice(("-1", "-0.5", "-0.1")))
                back = arrives + chance.randrange(1, 40) * DAY
                returned = replace(
                    entry,
                    sale_day=day if chance.random() < 0.5 else back,
                    amount=(amount * share).quantize(CENT_OF_CENT),
                    units=-entry.units if share == -1 else -1,
                )
                arrivals.append((back, returned))
    arrivals.sort(key=lambda one: (one[0], one[1].user_id, one[1].sale_day))
    settled = chance.choice((0, 1, 1, 3)) * DAY
    known: dict[date, int] = {}
    posting_no = 0
    for day in (FIRST + count * DAY for count in range(DAYS)):
        arrived = [entry for on, entry in arrivals if on <= day + settled]
        for entry in arrived[len(world.ledger) :]:
            # What was known to an evaluation is a whole posting.
            begins = posting_no == max(known.values(), default=0)
            posting_no += begins or chance.random() < 0.5
            world.ledger.append(replace(entry, posting_no=posting_no))
        known[day] = posting_no
    # Some days are evaluated together, when more is known.
    for day in sorted(known, reverse=True):
        if chance.random() < 0.3:
            known[day] = known.get(day + DAY, known[day])
    return known
