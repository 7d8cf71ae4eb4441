"""The landing kinds of experiments: tests that are split elsewhere, who was assigned what, and users who do not count.

What belongs here: their records, and the rows that they become. What does not: how files are read and rows written
(`ingest`), and what a test may be (rules.py).
"""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from trackai_pipelines.event_names import event_name_of
from trackai_pipelines.experiments.exclusions import REASONS
from trackai_pipelines.experiments.refusals import ExperimentRefusedError
from trackai_pipelines.experiments.rules import NewTest, check_new
from trackai_pipelines.ingest import fields
from trackai_pipelines.ingest.context import Context, Owner, Text
from trackai_pipelines.ingest.kinds import Kind
from trackai_pipelines.ingest.outcomes import Refused


class AssignmentRecord(msgspec.Struct, gc=False):
    """That a user was given a variant, as a record of a file."""

    tenant: Text = None
    tenant_id: Text = None
    test_key: Text = None
    user_id: Text = None
    variant: Text = None
    assigned_at: datetime | None = None


class TestRecord(msgspec.Struct, gc=False):
    """A test whose users are assigned elsewhere, as a record of a file."""

    # pytest takes it for one of its own otherwise.
    __test__ = False

    tenant: Text = None
    tenant_id: Text = None
    test_key: Text = None
    name: Text = None
    description: Text = None
    hypothesis: Text = None
    campaign_id: Text = None
    control_variant: Text = None
    variant_a: Text = None
    variant_b: Text = None
    variant_c: Text = None
    start_date: datetime | None = None
    end_date: datetime | None = None
    sample_size: Decimal | None = None
    confidence_level: Decimal | None = None
    min_statistical_power: Decimal | None = None
    # A list, or a text such as 0.5,0.25,0.25.
    weights: object = None
    assigned_by: str | None = None
    window_days: Decimal | None = None
    pre_days: Decimal | None = None
    primary_metric: str | None = None
    estimator: str | None = None
    outcome_event: str | None = None
    outcome_scope: str | None = None
    currency: str | None = None
    revenue_cap: Decimal | None = None
    planned_lift: Decimal | None = None
    planned_baseline: Decimal | None = None


class ExclusionRecord(msgspec.Struct, gc=False):
    """A user who counts in no test, as a record of a file."""

    tenant: Text = None
    tenant_id: Text = None
    user_id: Text = None
    reason: str | None = None


def _assignment_row(assignment: AssignmentRecord, context: Context) -> tuple[Text, ...]:
    owner = context.owner_of(assignment.tenant, assignment.tenant_id)
    key = fields.identifier_of(assignment.test_key, "test_key")
    variant = fields.identifier_of(assignment.variant, "variant")
    test_id = context.known.get((owner.id, key, variant))
    if test_id is None or not variant or test_id == "draft":
        raise Refused(_why_unknown(owner, key, variant, context))
    if assignment.assigned_at is None:
        raise Refused("no or impossible time: assigned_at is missing or no time; expected when the variant was given")
    return (
        owner.id,
        test_id,
        _user_of(assignment.user_id),
        fields.time_of(assignment.assigned_at, "no or impossible time: assigned_at", context.latest).isoformat(),
        variant,
        context.source,
    )


def _why_unknown(owner: Owner, key: str, variant: str, context: Context) -> str:
    status = context.known.get((owner.id, key, ""))
    if not key or status is None:
        return f"unknown test: {owner.slug} has no test {fields.shown(key)}; see `trackai experiments list`"
    if (owner.id, key, variant) not in context.known or not variant:
        return f"variant is not one of the test's: {fields.shown(variant)} in {fields.shown(key)}"
    return f"test is a draft: {fields.shown(key)}; load the file again once it has started"


def _user_of(user_id: Text) -> str:
    user = fields.identifier_of(user_id, "user_id")
    if not user:
        raise Refused("no user id: expected the app's own id of the user in user_id")
    return user


def _test_row(test: TestRecord, context: Context) -> tuple[Text, ...]:
    owner = context.owner_of(test.tenant, test.tenant_id)
    stated = _stated(test, context)
    try:
        new = NewTest(**stated)
        check_new(new)
    except TypeError:
        missing = [name for name in ("test_key", "variants", "start_date") if name not in stated]
        raise Refused(f"{' and '.join(missing).replace('variants', 'control_variant')} is missing") from None
    except ExperimentRefusedError as error:
        raise Refused(str(error)) from None
    present = context.known.setdefault((owner.id, new.test_key), msgspec.json.encode(new).decode())
    known = msgspec.json.decode(present, type=NewTest)
    other = [name for name in stated if getattr(known, name) != getattr(new, name)]
    if other:
        raise Refused(f"test_key exists with other settings: {fields.shown(new.test_key)} has another {other[0]}")
    variants = (*new.variants, "", "", "")[:4]
    weights = "" if new.weights is None else "{" + ",".join(map(repr, new.weights)) + "}"
    return (
        owner.id,
        *(new.test_key, new.name, new.description or "", new.hypothesis or "", new.campaign_id or "", *variants),
        *(_text(new.start_date), _text(new.end_date), _text(new.sample_size), repr(new.confidence_level)),
        *(repr(new.min_statistical_power), weights, new.assigned_by, new.window_days, new.pre_days),
        *(new.primary_metric, new.estimator, new.outcome_event, new.outcome_scope, new.currency or ""),
        *(_text(new.revenue_cap), _text(new.planned_lift), _text(new.planned_baseline), context.source),
    )


def _stated(test: TestRecord, context: Context) -> dict[str, Any]:
    """Return what a record says of a test. A key is a test's name where it has no other."""
    if test.assigned_by not in (None, "", "outside"):
        raise Refused(f"assigned_by is {fields.shown(test.assigned_by)}: files bring tests that are split outside")
    key = fields.identifier_of(test.test_key, "test_key")
    named = [fields.text_of(getattr(test, name), name).strip() for name in _VARIANTS]
    if "" in named and any(named[named.index("") :]):
        raise Refused("variants are given in order: control_variant, variant_a, variant_b, variant_c")
    texts = {name: fields.text_of(getattr(test, name), name).strip() or None for name in _TEXTS}
    numbers = {name: _number_of(getattr(test, name), name) for name in _NUMBERS}
    stated: dict[str, Any] = {
        "test_key": key or None,
        "variants": tuple(name for name in named if name) or None,
        "start_date": _time_of(test.start_date, "start_date"),
        "end_date": _time_of(test.end_date, "end_date"),
        "weights": _weights_of(test.weights),
        **texts,
        "name": texts["name"] or key or None,
        "outcome_event": event_name_of(texts["outcome_event"]) if texts["outcome_event"] else None,
        **numbers,
        **{name: _whole(numbers[name], name) for name in _COUNTS},
        "revenue_cap": None if test.revenue_cap is None else _cap_of(test.revenue_cap, context),
    }
    return {name: value for name, value in stated.items() if value is not None} | {"assigned_by": "outside"}


def _time_of(moment: datetime | None, name: str) -> datetime | None:
    # A test may end in the future, as far as anybody likes.
    return None if moment is None else fields.time_of(moment, name, _LATEST)


def _number_of(value: Decimal | None, name: str) -> float | None:
    if value is not None and not value.is_finite():
        raise Refused(f"{name} is {value}; expected a finite number")
    return None if value is None else float(value)


def _whole(value: float | None, name: str) -> int | None:
    if value is not None and value != int(value):
        raise Refused(f"{name} is {value:g}; expected a whole number")
    return None if value is None else int(value)


def _cap_of(value: Decimal, context: Context) -> Decimal:
    return Decimal(fields.amount_of(value, context.note, "revenue_cap"))


def _weights_of(weights: object) -> tuple[float, ...] | None:
    if weights is None or weights == "":
        return None
    shares: Iterable[Any] = weights.strip("{}[] ").split(",") if isinstance(weights, str) else weights  # type: ignore[assignment]
    try:
        return tuple(float(share) for share in shares)
    except (TypeError, ValueError):
        raise Refused(f"weights is {fields.shown(weights)}; expected shares such as 0.5,0.25,0.25") from None


def _text(value: object) -> str:
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _exclusion_row(exclusion: ExclusionRecord, context: Context) -> tuple[Text, ...]:
    owner = context.owner_of(exclusion.tenant, exclusion.tenant_id)
    reason = (exclusion.reason or "").strip().lower() or "other"
    if reason not in REASONS:
        raise Refused(f"reason is {fields.shown(reason)}; expected one of {', '.join(REASONS)}")
    return owner.id, _user_of(exclusion.user_id), reason, "", context.source


_LATEST = datetime.fromisoformat("9999-01-01T00:00:00+00:00")
_VARIANTS = ("control_variant", "variant_a", "variant_b", "variant_c")
_TEXTS: tuple[str, ...] = (
    "name",
    "description",
    "hypothesis",
    "campaign_id",
    "primary_metric",
    "estimator",
    "outcome_event",
)
_TEXTS += ("outcome_scope", "currency")
_NUMBERS: tuple[str, ...] = (
    "sample_size",
    "confidence_level",
    "min_statistical_power",
    "window_days",
    "pre_days",
    "planned_lift",
)
_NUMBERS += ("planned_baseline",)
_COUNTS = ("sample_size", "window_days", "pre_days")
AB_TESTS = Kind(
    name="ab_tests",
    says="A/B tests. Commands and apps create them; files bring those whose users another system splits.",
    record=TestRecord,
    columns=(
        "tenant_id",
        "test_key",
        "name",
        "description",
        "hypothesis",
        "campaign_id",
        *_VARIANTS,
        "start_date",
        "end_date",
        "sample_size",
        "confidence_level",
        "min_statistical_power",
        "weights",
        "assigned_by",
        "window_days",
        "pre_days",
        "primary_metric",
        "estimator",
        "outcome_event",
        "outcome_scope",
        "currency",
        "revenue_cap",
        "planned_lift",
        "planned_baseline",
        "created_by",
    ),
    row=_test_row,
    optional=frozenset({"description", "hypothesis", "campaign_id"}),
    long_texts=frozenset({"description", "hypothesis"}),
    whole_days=frozenset({"start_date", "end_date"}),
    references={"campaign_id": "experiments/unknown_campaigns"},
    known="experiments/known_tests",
    insert="experiments/insert_tests",
    afterwards=("experiments/add_created",),
)
EXCLUDED_USERS = Kind(
    name="excluded_users",
    says="Users who count in no test: bots, employees, test accounts.",
    record=ExclusionRecord,
    columns=("tenant_id", "user_id", "reason", "created_at", "created_by"),
    row=_exclusion_row,
    now="created_at",
)
AB_ASSIGNMENTS = Kind(
    name="ab_assignments",
    into="ab_test_assignments",
    says="The variant that each user of a test was given first. Apps assign users by `ab_test_variant`; files bring "
    "what another system assigned. What would change the answer later is in `ab_test_reassignments`.",
    record=AssignmentRecord,
    columns=("tenant_id", "test_id", "user_id", "assigned_at", "variant_assigned", "source"),
    row=_assignment_row,
    # What cannot be read is refused with the same reason as what is missing.
    optional=frozenset({"assigned_at"}),
    known="experiments/known_variants",
    beforehand=("experiments/insert_first_assignments",),
    insert="experiments/insert_reassignments",
    looks_into=("ab_test_reassignments",),
)
# Tests first: what comes with them is refused until they have started.
KINDS = (AB_TESTS, EXCLUDED_USERS, AB_ASSIGNMENTS)
