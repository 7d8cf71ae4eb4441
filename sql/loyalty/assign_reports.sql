-- Writes into a tenant's reports whose handle it is on their day, where that is another creator than at the last posting;
-- returns how many reports changed. A report without a handle (it was erased) stays its creator's, and so does one whose
-- alias is gone.
-- Index: none, the tenant's reports are read once and joined with its aliases by a hash.
WITH periods AS MATERIALIZED (
    SELECT alias, user_id, valid_from, lead(valid_from, 1, 'infinity') OVER (PARTITION BY alias ORDER BY valid_from) AS valid_to
    FROM trackai.creator_aliases
    WHERE tenant_id = %(tenant_id)s AND kind = 'tiktok'
), changed AS (
    UPDATE trackai.sales_reports s
    SET user_id = p.user_id
    FROM periods p
    WHERE s.tenant_id = %(tenant_id)s AND s.handle = p.alias
      AND s.report_day >= p.valid_from AND s.report_day < p.valid_to
      AND s.user_id IS DISTINCT FROM p.user_id
    RETURNING 1
)
SELECT count(*) FROM changed
