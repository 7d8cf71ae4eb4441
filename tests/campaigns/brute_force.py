"""Journeys and credit once more: plain loops over plain dicts and exact fractions, written from the rules alone."""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from typing import Any

from matching.brute_force import NOBODYS, browser_key, click_id_key

Row = dict[str, Any]
UTMS = ("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term")
VIA = ("matched", "click_id", "browser", "email", "phone")


class Journey:
    """The touches of one sale, as (click or None, via), oldest first, and the keys that were not followed."""

    def __init__(self, sale: Row, world: Mapping[str, list[Row]], tenant: Row, limits: Mapping[str, int]) -> None:
        self.sale, self.world, self.limits = sale, world, limits
        self.refused: set[tuple[str, str]] = set()
        days = tenant["lookback_days"] if tenant["journey_days"] is None else tenant["journey_days"]
        self.after = sale["occurred_at"] - timedelta(days=days)
        self.until = sale["occurred_at"] + timedelta(minutes=5)
        clicks = {click["id"]: click for click in world["clicks"]}
        attribution = next(a for a in world["attributions"] if a["conversion_id"] == sale["id"])
        self.matched = clicks.get(attribution["click_id"])

        keys: set[tuple[str, str | None]] = set()
        for owner in [sale, self.matched] if self.matched else [sale]:
            keys.add(("click_id", click_id_key(owner.get("fbc"), owner.get("fbclid"))))
            keys.add(("browser", browser_key(owner.get("fbp"))))
        if tenant["email_matching"]:
            keys.add(("email", _somebodys(sale["customer_email_hash"])))
            keys.add(("phone", _somebodys(sale["customer_phone_hash"])))
        first = {(kind, key) for kind, key in keys if key is not None}
        via = self._follow(first)
        reached = [clicks[click] for click in via]
        second = {("browser", key) for click in reached if (key := browser_key(click.get("fbp")))} - first
        for click, kind in self._follow(second).items():
            via[click] = min(via.get(click, kind), kind, key=VIA.index)
        if self.matched:
            via[self.matched["id"]] = "matched"
        self.touches, self.truncated = self._touches([clicks[click] for click in via], via)

    def _follow(self, keys: set[tuple[str, str]]) -> dict[int, str]:
        via: dict[int, str] = {}
        for kind, key in keys:
            found = self._clicks_of(kind, key)
            if self._shared(kind, found):
                self.refused.add((kind, key))
                continue
            for click in found:
                via[click["id"]] = min(via.get(click["id"], kind), kind, key=VIA.index)
        return via

    def _clicks_of(self, kind: str, key: str) -> list[Row]:
        linked = {i["click_id"] for i in self.world["identities"] if i.get(f"{kind}_hash") == key}

        def has(click: Row) -> bool:
            if kind == "click_id":
                return click_id_key(click.get("fbc"), click.get("fbclid")) == key
            return browser_key(click.get("fbp")) == key if kind == "browser" else click["id"] in linked

        return [c for c in self.world["clicks"] if has(c) and self.after < c["created_at"] <= self.until]

    def _shared(self, kind: str, found: list[Row]) -> bool:
        browsers = {browser_key(click.get("fbp")) for click in found} - {None}
        if len(found) > self.limits["max_clicks"]:
            return True
        if kind == "click_id":
            return len(browsers) > self.limits["max_browsers_of_a_click_id"]
        if kind in ("email", "phone") and len(browsers) > self.limits["max_browsers_of_a_contact"]:
            return True
        return kind != "email" and len(found) >= 2 and self._buyers(found) > self.limits["max_buyers_of_a_browser"]

    def _buyers(self, found: list[Row]) -> int:
        ids = {click["id"] for click in found}
        matched = {a["conversion_id"] for a in self.world["attributions"] if a["click_id"] in ids}
        hashes = {
            sale["customer_email_hash"]
            for sale in self.world["conversions"]
            if sale["id"] in matched and sale["occurred_at"] <= self.sale["occurred_at"]
        } | {
            identity.get("email_hash")
            for identity in self.world["identities"]
            if identity["click_id"] in ids and identity["created_at"] <= self.until
        }
        return len({_somebodys(text) for text in hashes} - {None})

    def _touches(self, clicks: list[Row], via: dict[int, str]) -> tuple[list[tuple[Row | None, str]], bool]:
        groups: list[list[Row]] = []
        for click in sorted(clicks, key=_time):
            for group in groups:
                if self._same_ad_click(group[-1], click):
                    group.append(click)
                    break
            else:
                groups.append([click])
        touches: list[tuple[Row | None, str]] = []
        for group in groups:
            stands = self.matched if self.matched in group else group[-1]
            touches.append((stands, min((via[click["id"]] for click in group), key=VIA.index)))
        touches.sort(key=lambda touch: _time(touch[0]))
        if self.matched is None:
            touches.append((None, "matched"))
        limit = self.limits["max_touches"]
        kept = touches[-limit:]
        if not any(kind == "matched" for _, kind in kept):
            kept = [next(touch for touch in touches if touch[1] == "matched"), *kept[1:]]
        return kept, len(touches) > limit

    def _same_ad_click(self, earlier: Row, later: Row) -> bool:
        key = click_id_key(later.get("fbc"), later.get("fbclid"))
        if key or click_id_key(earlier.get("fbc"), earlier.get("fbclid")):
            return key == click_id_key(earlier.get("fbc"), earlier.get("fbclid"))
        gap = later["created_at"] - earlier["created_at"]
        return (
            browser_key(earlier.get("fbp")) == browser_key(later.get("fbp"))
            and all(earlier.get(name) == later.get(name) for name in UTMS)
            and gap <= timedelta(minutes=self.limits["visit_minutes"])
        )


def _time(click: Row | None) -> Any:
    assert click is not None
    return click["created_at"], click["id"]


def _somebodys(text: str | None) -> str | None:
    return None if text in NOBODYS else text


def campaign_of(click: Row, aliases: Sequence[Row]) -> str:
    """The campaign of a click, by the tenant's aliases."""
    name = (click.get("utm_campaign") or "").strip()
    if name in ("", "(none)"):
        return "(none)"
    for source in ((click.get("utm_source") or "").strip().lower() or None, ""):
        for alias in aliases:
            if source is not None and (alias["source"], alias["alias"]) == (source, name):
                return str(alias["campaign_id"])
    return "(macro)" if re.search(r"\{\{.*\}\}|\{[A-Za-z_]\w*\}|__[A-Z][A-Z0-9_]*__|%7[Bb]", name) else name


def credits_of(
    touches: Sequence[Row],
    *,
    half_life_hours: Decimal,
    effects: Mapping[str, Fraction] | None,
    shares: Mapping[frozenset[str], Mapping[str, Fraction]],
) -> dict[str, list[Decimal]]:
    """Credits by model. A touch has `matched`, `channel`, `unit` and `age` (seconds, None without a click)."""
    n = len(touches)
    direct = [touch["channel"] == "direct" for touch in touches]
    last = max((i for i in range(n) if not direct[i]), default=n - 1)
    units = [str(touch["unit"]) for touch in touches]
    weights: dict[str, Sequence[Fraction]] = {
        "matched": [Fraction(touch["matched"]) for touch in touches],
        "last_touch": [Fraction(i == n - 1) for i in range(n)],
        "first_touch": [Fraction(i == 0) for i in range(n)],
        "linear": [Fraction(1)] * n,
        "position_based": [Fraction(1)] * n
        if n <= 2
        else [Fraction(2, 5) if i in (0, n - 1) else Fraction(1, 5 * (n - 2)) for i in range(n)],
        "time_decay": [_decay(touch["age"], half_life_hours) for touch in touches],
        "last_non_direct": [Fraction(i == last) for i in range(n)],
        "markov": _learned(units, effects or {}),
        "shapley": _learned(units, shares.get(frozenset(units), {})),
    }
    return {model: _rounded(of_model) for model, of_model in weights.items()}


def _decay(age: Decimal | None, half_life_hours: Decimal) -> Fraction:
    with localcontext() as context:
        context.prec = 60
        half_lives = max(Decimal(0), age or Decimal(0)) / (3600 * half_life_hours)
        return Fraction(Decimal(2) ** -half_lives)


def _learned(units: Sequence[str], known: Mapping[str, Fraction]) -> list[Fraction]:
    seen = [known[unit] for unit in set(units) if unit in known]
    if not sum(seen, Fraction(0)):
        return [Fraction(1)] * len(units)
    mean = sum(seen, Fraction(0)) / len(seen)
    return [known.get(unit, mean) / units.count(unit) for unit in units]


def _rounded(weights: Sequence[Fraction]) -> list[Decimal]:
    total = sum(weights, Fraction(0))
    up_to, before, found = Fraction(0), Decimal(0), []
    for weight in weights:
        up_to += weight
        share = up_to / total
        with localcontext() as context:
            context.prec = 60
            exact = Decimal(share.numerator) / Decimal(share.denominator)
            here = exact.quantize(Decimal("1e-9"), rounding=ROUND_HALF_UP)
        found.append(here - before)
        before = here
    return found
