-- Staged campaigns become campaigns. Of several rows of one campaign the one with the latest updated_at counts, whatever
-- order they arrive in; what only clicks have named is replaced by any. Returns how many campaigns are new or changed.
-- Index: campaigns' primary key, in whose order rows are written, so two loaders lock them in one order.
WITH latest AS (
    SELECT DISTINCT ON (tenant_id, campaign_id) tenant_id, campaign_id, name, status, created_at, updated_at
    FROM pg_temp.staged_campaigns
    ORDER BY tenant_id, campaign_id, updated_at DESC, name DESC, status DESC
), moved AS (
    INSERT INTO trackai.campaigns AS c (tenant_id, campaign_id, name, status, created_at, updated_at, named_at)
    SELECT tenant_id, campaign_id, name, status, coalesce(created_at, updated_at), updated_at, %(now)s::timestamptz
    FROM latest
    ORDER BY tenant_id, campaign_id
    ON CONFLICT (tenant_id, campaign_id) DO UPDATE
    SET name = excluded.name,
        status = excluded.status,
        created_at = least(c.created_at, excluded.created_at),
        updated_at = excluded.updated_at,
        named_at = CASE WHEN c.clicked OR c.updated_at IS NOT NULL THEN c.named_at ELSE excluded.named_at END
    WHERE c.updated_at IS NULL OR excluded.updated_at > c.updated_at
    RETURNING 1
)
SELECT count(*) FROM moved
