-- The syncs that count on a day, have reported before, and have not reported the day before it yet.
-- Index: the primary key of sales_sync_days, by tenant and source.
SELECT s.source
FROM (
    SELECT unnest(p.report_sources) AS source
    FROM trackai.loyalty_programs p
    WHERE p.tenant_id = %(tenant_id)s AND p.valid_from <= %(day)s::date
    ORDER BY p.valid_from DESC
    LIMIT 1
) AS s
WHERE EXISTS (
    SELECT FROM trackai.sales_sync_days d
    WHERE d.tenant_id = %(tenant_id)s AND d.source = s.source AND d.report_day < %(day)s::date - 1
)
AND NOT EXISTS (
    SELECT FROM trackai.sales_sync_days d
    WHERE d.tenant_id = %(tenant_id)s AND d.source = s.source AND d.report_day = %(day)s::date - 1
)
