-- Writes into a tenant's videos whose handle it is, after aliases changed; a video without a handle stays its creator's.
-- Index: none, the tenant's videos are read once and joined with its aliases by a hash.
WITH periods AS MATERIALIZED (
    SELECT alias, user_id, valid_from, lead(valid_from, 1, 'infinity') OVER (PARTITION BY alias ORDER BY valid_from) AS valid_to
    FROM trackai.creator_aliases
    WHERE tenant_id = %(tenant_id)s AND kind = 'tiktok'
)
UPDATE trackai.videos v
SET user_id = p.user_id, updated_at = %(now)s
FROM periods p
WHERE v.tenant_id = %(tenant_id)s AND v.handle = p.alias
  AND v.report_day >= p.valid_from AND v.report_day < p.valid_to
  AND v.user_id IS DISTINCT FROM p.user_id
