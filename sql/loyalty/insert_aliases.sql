-- Staged aliases become rows of creator_aliases; of an alias and day the later word counts. Returns how many are new or
-- changed, and creators without an alias. Index: the primary key, in whose order rows are written.
WITH stated AS (
    SELECT DISTINCT ON (tenant_id, kind, alias, valid_from) tenant_id, kind, alias, valid_from, user_id, enrolled_on, updated_at
    FROM pg_temp.staged_creators
    WHERE alias IS NOT NULL
    ORDER BY tenant_id, kind, alias, valid_from, updated_at DESC
), moved AS (
    INSERT INTO trackai.creator_aliases AS a (tenant_id, kind, alias, valid_from, user_id, enrolled_on, created_at, updated_at)
    SELECT tenant_id, kind, alias, valid_from, user_id, enrolled_on, %(now)s, updated_at
    FROM stated
    ORDER BY tenant_id, kind, alias, valid_from
    ON CONFLICT (tenant_id, kind, alias, valid_from) DO UPDATE
    SET user_id = excluded.user_id, enrolled_on = excluded.enrolled_on, updated_at = excluded.updated_at
    WHERE excluded.updated_at > a.updated_at
      AND (excluded.user_id, excluded.enrolled_on) IS DISTINCT FROM (a.user_id, a.enrolled_on)
    RETURNING 1
)
SELECT count(*) FROM moved
