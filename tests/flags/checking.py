"""Users who check flags: their contexts, and the rows of usage that the checks leave."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection

from trackai_pipelines.flag_values.evaluation import Evaluation, evaluate
from trackai_pipelines.flag_values.source import read_snapshot
from trackai_pipelines.flag_values.stored import stored_key

Context = Mapping[str, Any]
_INSERT = """
    INSERT INTO trackai.feature_flag_usage
        (tenant_id, flag_id, user_id, app_type, accessed_at, last_accessed_at, value_used, flag_version,
         override_version, variant_key, user_segment, reason, error_code, bucket, external_id)
    VALUES (%s, %s, %s, 'web', %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


def answers(connection: Connection[Any], key: str, contexts: Sequence[Context], at: datetime) -> list[Evaluation]:
    """What each context is answered by the flags as they are."""
    snapshot = read_snapshot(connection)
    return [
        evaluate(snapshot.ruleset, key, tenant=context["tenant"], context=context, at=at, members=snapshot.members.kept)
        for context in contexts
    ]


def check_all(connection: Connection[Any], keys: Sequence[str], contexts: Sequence[Context], at: datetime) -> None:
    """Let every context check the flags once, and write the usage."""
    ids = read_snapshot(connection).flag_ids
    rows = [
        (
            f"t-{context['tenant']}", ids[key], stored_key(context["targetingKey"]), at, at + timedelta(seconds=1),
            found.value_used, found.flag_version, found.override_version, found.variant, found.segment, found.reason,
            found.error_code, found.bucket, f"{key}-{at}-{number}",
        )
        for key in keys
        for number, (context, found) in enumerate(zip(contexts, answers(connection, key, contexts, at), strict=True))
    ]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.executemany(_INSERT, rows)
