"""Raffles that outsiders can verify: a seed is committed to before entries close, and a public value comes after.

What belongs here: opening, entering, closing, drawing, and computing a draw again from what is published. What does
not: what becomes of a prize (redemptions.py).

The order is what makes a draw fair: the commitment and the source of the public value are published when the raffle
opens, the digest of the entries when it closes, the public value by somebody else after that, and the seed by the draw.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from trackai_pipelines.database.statements import statement
from trackai_pipelines.loyalty.claims import ClaimRefusal, ClaimRefusedError
from trackai_pipelines.loyalty.refusals import LoyaltyRefusedError

SEED_BYTES = 32


@dataclass(frozen=True, slots=True)
class Raffle:
    """A raffle with what it has published."""

    mission_id: str
    raffle_end_date: date
    winners: int
    tier_eligibility: str
    enabled: bool
    reward_id: str
    seed_commitment: str | None
    entropy_source: str | None
    entries_digest: str | None
    entries: int | None
    closed_at: datetime | None
    public_entropy: str | None
    seed: str | None
    drawn_at: datetime | None
    day: date | None
    """The local day that it is."""

    @property
    def is_witnessed(self) -> bool:
        """Return whether the draw has a public value: without one the operator could have chosen entrants."""
        return self.public_entropy is not None


@dataclass(frozen=True, slots=True)
class Entrant:
    """A creator in a raffle; score and outcome are None before the draw."""

    user_id: str
    score: str | None
    is_winner: bool | None


def commitment(seed: str) -> str:
    """Return the SHA-256 of the bytes of a seed (hex digits), in hex digits."""
    return sha256(bytes.fromhex(seed)).hexdigest()


def entries_digest(user_ids: Iterable[str]) -> str:
    """Return the SHA-256 of the sorted user ids, a newline after each, in hex digits."""
    lines = sorted(f"{user}\n".encode() for user in user_ids)
    return sha256(b"".join(lines)).hexdigest()


def score(seed: str, tenant_id: str, mission_id: str, digest: str, public_entropy: str | None, user_id: str) -> str:
    """Return the score of a creator, in hex digits: the lowest win."""
    values = (seed, tenant_id, mission_id, digest, public_entropy or "", user_id)
    return sha256("|".join(values).encode()).hexdigest()


def open_raffle(
    connection: Connection[Any], tenant_id: str, mission_id: str, seed: str, entropy_source: str | None, now: datetime
) -> str:
    """Open a raffle for entries and return the commitment to its seed, 64 hex digits; the seed itself is not stored.

    Raises LoyaltyRefusedError where there is no such raffle, or it was opened already.
    """
    published = commitment(seed)
    given = {
        "tenant_id": tenant_id,
        "mission_id": mission_id,
        "commitment": published,
        "entropy_source": entropy_source,
        "now": now,
    }
    with connection.transaction():
        raffle = read_raffle(connection, tenant_id, mission_id, now)
        if raffle.day is None or raffle.day >= raffle.raffle_end_date:
            raise LoyaltyRefusedError(f"{mission_id} ends on {raffle.raffle_end_date}: nobody could enter it.")
        if connection.execute(statement("loyalty/open_raffle"), given).fetchone() is None:
            raise LoyaltyRefusedError(f"{mission_id} is open already: its commitment is {raffle.seed_commitment}.")
    return published


def enter_raffle(connection: Connection[Any], tenant_id: str, mission_id: str, user_id: str, now: datetime) -> datetime:
    """Enter a creator into a raffle, and return when they entered; entering twice is entering once.

    Raises ClaimRefusedError.
    """
    given = {"tenant_id": tenant_id, "mission_id": mission_id, "user_id": user_id, "now": now}
    with connection.transaction():
        # An entry is before or after the close, and before or after a change of the tier. The raffle comes first, as in
        # a draw, so neither waits for the other.
        connection.execute(statement("loyalty/keep_open"), given)
        connection.execute(statement("loyalty/lock_member"), given)
        row = connection.execute(statement("loyalty/entry_facts"), given).fetchone()
        if row is None or not row[0]:
            raise ClaimRefusedError(
                ClaimRefusal.NOT_ACTIVE, f"{user_id} cannot enter {mission_id}: it is not open, or the user no member."
            )
        _, is_over, in_tier, entered_at = row
        if entered_at is not None:
            return entered_at  # type: ignore[no-any-return]
        if is_over:
            raise ClaimRefusedError(ClaimRefusal.ENDED, f"{user_id} cannot enter {mission_id}: it is over.")
        if not in_tier:
            raise ClaimRefusedError(
                ClaimRefusal.NOT_IN_TIER, f"{user_id} cannot enter {mission_id}: it is for another tier."
            )
        connection.execute(statement("loyalty/enter_raffle"), given)
    return now


def close_raffle(connection: Connection[Any], tenant_id: str, mission_id: str, now: datetime) -> Raffle:
    """Close a raffle whose end has come, and return it with the digest of its entries; a closed one stays as it is.

    Raises LoyaltyRefusedError.
    """
    with connection.transaction():
        raffle = _locked(connection, tenant_id, mission_id, now)
        if raffle.closed_at is not None:
            return raffle
        if raffle.day is None or raffle.day < raffle.raffle_end_date:
            raise LoyaltyRefusedError(f"{mission_id} can be closed from {raffle.raffle_end_date} on, not yet.")
        users = [entrant.user_id for entrant in entrants(connection, tenant_id, mission_id)]
        given = {
            "tenant_id": tenant_id,
            "mission_id": mission_id,
            "digest": entries_digest(users),
            "entries": len(users),
            "now": now,
        }
        connection.execute(statement("loyalty/close_raffle"), given)
        return read_raffle(connection, tenant_id, mission_id, now)


def draw_raffle(
    connection: Connection[Any],
    tenant_id: str,
    mission_id: str,
    seed: str,
    public_entropy: str | None,
    *,
    by: str,
    now: datetime,
) -> list[str]:
    """Draw a closed raffle and return the winners' user ids, the lowest score first; each gets a redemption.

    Without a public value the draw is unwitnessed. Drawing again returns the same winners. Raises LoyaltyRefusedError.
    """
    with connection.transaction():
        raffle = _locked(connection, tenant_id, mission_id, now)
        if raffle.closed_at is None or raffle.entries_digest is None:
            raise LoyaltyRefusedError(f"{mission_id} is not closed: `trackai loyalty raffle close` closes it.")
        if commitment(seed) != raffle.seed_commitment:
            raise LoyaltyRefusedError(f"This is not the seed that {mission_id} committed to.")
        drawn = entrants(connection, tenant_id, mission_id)
        if raffle.drawn_at is not None:
            return [one.user_id for one in drawn if one.is_winner]
        if raffle.entropy_source is not None and public_entropy is None:
            raise LoyaltyRefusedError(f"{mission_id} promised a public value: give what {raffle.entropy_source} said.")
        scores = {
            one.user_id: score(seed, tenant_id, mission_id, raffle.entries_digest, public_entropy, one.user_id)
            for one in drawn
        }
        winners = _lowest(scores, raffle.winners)
        given = {
            "tenant_id": tenant_id,
            "mission_id": mission_id,
            "reward_id": raffle.reward_id,
            "users": list(scores),
            "scores": list(scores.values()),
            "winners": winners,
            "taken": len(winners),
            "seed": seed,
            "public_entropy": public_entropy,
            "by": by,
            "now": now,
        }
        connection.execute(statement("loyalty/lock_members"), given)
        connection.execute(statement("loyalty/write_draw"), given)
        connection.execute(statement("loyalty/write_scores"), given)
        if winners and all(
            connection.execute(statement(stock), given).fetchone() is None
            for stock in ("loyalty/keep_unlimited", "loyalty/take_stock")
        ):
            raise LoyaltyRefusedError(f"{raffle.reward_id} has fewer than {len(winners)} left: raise its stock first.")
    return winners


def verify_draw(raffle: Raffle, tenant_id: str, drawn: Sequence[Entrant]) -> list[str]:
    """Return what does not come out again from what a drawn raffle published, a sentence each; none: it does.

    Raises LoyaltyRefusedError for a raffle that is not drawn.
    """
    if raffle.seed is None or raffle.entries_digest is None:
        raise LoyaltyRefusedError(f"{raffle.mission_id} is not drawn yet.")
    faults = []
    if commitment(raffle.seed) != raffle.seed_commitment:
        faults.append("the seed is not the one that was committed to")
    if entries_digest(one.user_id for one in drawn) != raffle.entries_digest or len(drawn) != raffle.entries:
        faults.append("the entries are not those that were closed")
    scores = {
        one.user_id: score(
            raffle.seed, tenant_id, raffle.mission_id, raffle.entries_digest, raffle.public_entropy, one.user_id
        )
        for one in drawn
    }
    faults += [f"the score of {one.user_id} is another" for one in drawn if one.score != scores[one.user_id]]
    winners = set(_lowest(scores, raffle.winners))
    if {one.user_id for one in drawn if one.is_winner} != winners:
        faults.append(f"the winners are {', '.join(sorted(winners))}")
    return faults


def read_raffle(connection: Connection[Any], tenant_id: str, mission_id: str, now: datetime) -> Raffle:
    """Return a raffle. Raises LoyaltyRefusedError where there is none."""
    given = {"tenant_id": tenant_id, "mission_id": mission_id, "now": now}
    with connection.cursor(row_factory=class_row(Raffle)) as cursor:
        raffle = cursor.execute(statement("loyalty/raffle"), given).fetchone()
    if raffle is None:
        raise LoyaltyRefusedError(f"There is no raffle {mission_id}: `trackai loyalty mission set` makes one.")
    return raffle


def entrants(connection: Connection[Any], tenant_id: str, mission_id: str) -> list[Entrant]:
    """Return who entered a raffle, by score where it is drawn."""
    with connection.cursor(row_factory=class_row(Entrant)) as cursor:
        given = {"tenant_id": tenant_id, "mission_id": mission_id}
        return cursor.execute(statement("loyalty/entrants"), given).fetchall()


def _locked(connection: Connection[Any], tenant_id: str, mission_id: str, now: datetime) -> Raffle:
    given = {"tenant_id": tenant_id, "mission_id": mission_id}
    if connection.execute(statement("loyalty/lock_raffle"), given).fetchone() is None:
        raise LoyaltyRefusedError(f"{mission_id} is not open: `trackai loyalty raffle open` opens it.")
    return read_raffle(connection, tenant_id, mission_id, now)


def _lowest(scores: dict[str, str], count: int) -> list[str]:
    return sorted(scores, key=lambda user: (scores[user], user))[:count]
