-- Staged aliases replace those of the same name and platform; returns how many are new or changed. One that another
-- loader made an alias of an alias in the meantime is left out: lock_aliases comes before, so all of them are seen.
-- Index: campaign_aliases' primary key, in whose order rows are written.
WITH moved AS (
    INSERT INTO trackai.campaign_aliases AS a (tenant_id, source, alias, campaign_id, created_at)
    SELECT DISTINCT ON (s.tenant_id, coalesce(s.source, ''), s.alias)
           s.tenant_id, coalesce(s.source, ''), s.alias, s.campaign_id, %(now)s::timestamptz
    FROM pg_temp.staged_campaign_aliases s
    WHERE NOT EXISTS (
        SELECT FROM trackai.campaign_aliases x
        WHERE x.tenant_id = s.tenant_id AND (x.alias = s.campaign_id OR x.campaign_id = s.alias)
    )
    ORDER BY s.tenant_id, coalesce(s.source, ''), s.alias, s.campaign_id
    ON CONFLICT (tenant_id, source, alias) DO UPDATE
    SET campaign_id = excluded.campaign_id,
        created_at = excluded.created_at
    WHERE excluded.campaign_id <> a.campaign_id
    RETURNING 1
)
SELECT count(*) FROM moved
