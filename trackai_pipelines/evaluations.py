"""Evaluations of asset checks that belong to no run.

What belongs here: an evaluation as an event. What does not: checks, and when they are reported (each domain's defs).
"""

import dagster as dg


def evaluation_of(check: dg.AssetChecksDefinition, result: dg.AssetCheckResult) -> dg.AssetCheckEvaluation:
    """Return a result as the evaluation of a check that a run did not make, to be reported without a run."""
    (spec,) = check.check_specs
    return dg.AssetCheckEvaluation(
        asset_key=spec.asset_key,
        check_name=spec.name,
        passed=bool(result.passed),
        severity=result.severity,
        description=result.description,
        metadata=result.metadata,
    )
