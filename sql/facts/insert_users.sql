-- Staged users become users. Of several rows of one user the one with the latest updated_at counts, whatever order they
-- arrive in; it replaces the hashes. changed_at and replaced_at tell of hashes only: other news are not ours.
-- Returns how many users are new or changed.
-- Index: users' primary key, in whose order rows are written, so two loaders lock them in one order.
WITH latest AS (
    SELECT DISTINCT ON (tenant_id, id) tenant_id, id, email_hash, phone_hash, created_at, updated_at
    FROM pg_temp.staged_users
    ORDER BY tenant_id, id, updated_at DESC, email_hash DESC NULLS LAST, phone_hash DESC NULLS LAST
), moved AS (
    INSERT INTO trackai.users AS u (tenant_id, id, email_hash, phone_hash, created_at, updated_at, changed_at)
    SELECT tenant_id, id, email_hash, phone_hash, coalesce(created_at, updated_at), updated_at, %(now)s
    FROM latest
    ORDER BY tenant_id, id
    ON CONFLICT (tenant_id, id) DO UPDATE
    SET email_hash = excluded.email_hash,
        phone_hash = excluded.phone_hash,
        created_at = least(u.created_at, excluded.created_at),
        updated_at = excluded.updated_at,
        changed_at = CASE
            WHEN (u.email_hash, u.phone_hash) IS DISTINCT FROM (excluded.email_hash, excluded.phone_hash) THEN %(now)s
            ELSE u.changed_at
        END,
        replaced_at = CASE
            WHEN (u.email_hash, u.phone_hash) IS DISTINCT FROM (excluded.email_hash, excluded.phone_hash)
                AND num_nonnulls(u.email_hash, u.phone_hash) > 0 THEN %(now)s
            ELSE u.replaced_at
        END
    WHERE excluded.updated_at > u.updated_at
    RETURNING 1
)
SELECT count(*) FROM moved
