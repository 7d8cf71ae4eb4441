"""The demo's flags: their history, files of checks, the answer that goes with them, and its proof.

What belongs here: files, and the comparison of what is in the database with the answer. What does not: the changes
(sample_history.py) and the checks (sample_world.py).
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString

from psycopg import Connection

from trackai_pipelines.database.partitions import create_partitions_ahead
from trackai_pipelines.database.statements import statement
from trackai_pipelines.domain import Proof, Sample, Table
from trackai_pipelines.flag_values.client import open_flags
from trackai_pipelines.flag_values.evaluation import TARGETING_KEY, evaluate
from trackai_pipelines.flag_values.source import read_snapshot
from trackai_pipelines.flags.sample_history import (
    BADGE,
    DAYS,
    FLAGS,
    OWNER,
    SHIPPING,
    TESTERS,
    first_moment,
    history,
    record,
)
from trackai_pipelines.flags.sample_world import (
    TENANTS,
    build,
    exposed_in,
    lines_of,
    testers_of,
    totals_of,
    variant_of,
)
from trackai_pipelines.flags.scopes import find_flag
from trackai_pipelines.sample_data.app_users import app_users
from trackai_pipelines.sample_data.gate_changes import gate_changes, settings_at
from trackai_pipelines.sample_data.ground_truth import attributions_in
from trackai_pipelines.sample_data.world import TENANTS as SAMPLE_TENANTS

_SHOWN = 5
_USAGE = "feature_flag_usage"


def write(sample: Sample) -> Mapping[str, Any]:
    """Write the files; their users are those of the users' files, which are there.

    Return `flags`: `totals` (by tenant, flag and day), `exposed` (users by tenant and variant), `asked` (by tenant and
    user: the variant of the badge now), `testers` (by tenant) and `history` (each change).
    """
    users_of = {slug: app_users(sample.landing_dir, slug, most) for slug, most in TENANTS.items()}
    checks = build(sample.seed, sample.end, users_of)
    for slug, users in users_of.items():
        folder = sample.landing_dir / slug
        folder.mkdir(parents=True, exist_ok=True)
        of_tenant = (check for check in checks if check.tenant == slug)
        _write_lines(folder, "flag_usage_phones", lines_of(sample.seed, of_tenant))
        members = ({"segment": TESTERS, "user_id": user} for user in testers_of(users))
        _write_lines(folder, "flag_segments_testers", members)
    now = timedelta(days=DAYS)
    return {
        "flags": {
            "totals": totals_of(checks),
            "exposed": exposed_in(checks),
            "asked": {
                slug: {user: variant_of(BADGE, user, now, is_tester=False) for user in users}
                for slug, users in users_of.items()
            },
            "testers": {slug: len(testers_of(users)) for slug, users in users_of.items() if users},
            "history": [change.told for change in history(sample.end, sample.days)],
        }
    }


def insert(connection: Connection[Any], sample: Sample) -> None:
    """Record the history, make room for checks of its days, and ask for the badge as a web application does."""
    truth = sample.truth.get("flags")
    if truth is None:
        return
    if find_flag(connection, BADGE) is None:
        usage = Table(name=_USAGE, key=(), leaves="partition")
        # From the day before `today` on.
        second = (first_moment(sample.end) + timedelta(days=1)).date()
        create_partitions_ahead(connection, [usage], today=second, days=DAYS)
        with connection.transaction():
            record(connection, history(sample.end, sample.days))
    if not connection.execute(statement("flags/sample_asked"), _about(sample)).fetchone():
        _ask(sample, truth["asked"])


def prove(connection: Connection[Any], sample: Sample) -> Proof:
    """Compare days of checks, exposures, answers, the gates of each sale, and all history with what they must be."""
    truth = sample.truth.get("flags")
    if truth is None:
        return Proof([], "this home was made before flags were")
    sales = _gates_of_sales(sample)
    stale = [[SHIPPING, "overdue", OWNER]]
    asked = [[slug, user, variant] for slug, users in truth["asked"].items() for user, variant in users.items()]
    differences = [
        *_wrong(connection, sample, "flags/sample_days", "checks of a day", truth["totals"], 3),
        *_wrong(connection, sample, "flags/sample_exposed", "exposed users", truth["exposed"], 2),
        *_wrong(connection, sample, "flags/sample_asked", "the answer for a user", asked, 2),
        *_wrong(connection, sample, "flags/sample_testers", "testers", [[*one] for one in truth["testers"].items()], 1),
        *_wrong(connection, sample, "flags/sample_history", "a change", truth["history"], 6),
        *_wrong(connection, sample, "flags/sample_gates", "sales by gate", sales, 3),
        *_wrong(connection, sample, "flags/sample_stale", "a stale flag", stale, 1),
        *_answered_otherwise(connection, sample),
    ]
    checks = sum(total[4] for total in truth["totals"])
    return Proof(
        differences,
        f"{checks:,} checks of flags by day, what each was answered, both gates of {sum(s[3] for s in sales) // 2:,} "
        f"sales, and {len(truth['history'])} changes are as they should be",
    )


def _write_lines(folder: Any, name: str, rows: Iterable[Mapping[str, Any]]) -> None:
    (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def _ask(sample: Sample, asked: Mapping[str, Mapping[str, str]]) -> None:
    with open_flags(app_type="web", home=sample.home) as flags:
        for slug, users in asked.items():
            for user in users:
                flags.evaluate(BADGE, "none", tenant=slug, user=user)


def _about(sample: Sample) -> dict[str, Any]:
    start = first_moment(sample.end)
    return {
        "flags": list(FLAGS),
        "badge": BADGE,
        "shipping": SHIPPING,
        "testers": TESTERS,
        "tenants": list(TENANTS),
        "from_day": start.date(),
        "from_time": start,
        "first_sale": sample.end - timedelta(days=sample.days),
        "to_day": sample.last_day,
        "end": sample.end,
    }


def _gates_of_sales(sample: Sample) -> list[list[Any]]:
    """Return how many sales of each tenant have each value of each gate, by the sample's own words."""
    changes = gate_changes(sample.end, sample.days)
    tenants = {tenant.slug: tenant for tenant in SAMPLE_TENANTS}
    sales: Counter[tuple[str, str, str]] = Counter()
    for sale in attributions_in(sample.home / sample.truth["attributions"]):
        if sale.tenant in TENANTS:
            settings = settings_at(tenants[sale.tenant], sale.sold_at, changes)
            sales[sale.tenant, "email_matching", str(settings.email_matching).lower()] += 1
            sales[sale.tenant, "lookback_days", str(settings.lookback_days)] += 1
    return [[*key, count] for key, count in sorted(sales.items())]


def _wrong(
    connection: Connection[Any], sample: Sample, query: LiteralString, what: str, answer: list[list[Any]], keys: int
) -> Iterator[str]:
    """Yield where rows are not those of the answer; the first columns say which row it is."""
    rows = connection.execute(statement(query), _about(sample)).fetchall()
    found = {tuple(row[:keys]): [*row[keys:]] for row in rows}
    should = {tuple(row[:keys]): row[keys:] for row in answer}
    wrong = [key for key in {**should, **found} if found.get(key) != should.get(key)]
    for key in wrong[:_SHOWN]:
        is_now, was_to_be = (str(of[key]) if key in of else "not there" for of in (found, should))
        yield f"flags: {what}, {', '.join(map(str, key))}: {is_now}, and should be {was_to_be}"
    if len(wrong) > _SHOWN:
        yield f"flags: {len(wrong) - _SHOWN} more differ in {what}"


def _answered_otherwise(connection: Connection[Any], sample: Sample) -> Iterator[str]:
    """Yield where a logged check is not what the flag's history gives for its moment."""
    snapshot = read_snapshot(connection)
    wrong: Counter[str] = Counter()
    for slug, flag, user, at, variant in connection.execute(statement("flags/sample_checks"), _about(sample)):
        found = evaluate(
            snapshot.ruleset, flag, tenant=slug, context={TARGETING_KEY: user}, at=at, members=snapshot.members.kept
        )
        if found.variant != variant:
            wrong[
                f"{slug}: {flag} was {variant} for {user} at {_shown(at)}, and its history gives {found.variant}"
            ] += 1
    yield from list(wrong)[:_SHOWN]


def _shown(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
