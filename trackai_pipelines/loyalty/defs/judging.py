"""What a check of loyalty says of its findings: the first few, and what to do about them.

What belongs here: findings as a result. What does not: checks (ledger_checks.py, tier_checks.py, reward_checks.py).
"""

import dagster as dg

_SHOWN = 5


def judged(found: list[str], then: str, *, warns: bool = False) -> dg.AssetCheckResult:
    """Return the result of a check that found what it should not, and what to do then; nothing found: it passed."""
    more = f"; and {len(found) - _SHOWN:,} more" if len(found) > _SHOWN else ""
    return dg.AssetCheckResult(
        passed=not found,
        severity=dg.AssetCheckSeverity.WARN if warns else dg.AssetCheckSeverity.ERROR,
        description=f"{'; '.join(found[:_SHOWN])}{more}. {then}" if found else None,
        metadata={"findings": len(found)},
    )
