-- Counts anew how many reports of a tenant's days are nobody's, where some were. Index: sales_reports_unassigned.
UPDATE trackai.sales_sync_days d
SET unassigned = c.unassigned, updated_at = %(now)s
FROM (
    SELECT s.source, s.report_day, count(r.tenant_id) AS unassigned
    FROM trackai.sales_sync_days s
    LEFT JOIN trackai.sales_reports r
        ON r.tenant_id = s.tenant_id AND r.source = s.source AND r.report_day = s.report_day AND r.user_id IS NULL
    WHERE s.tenant_id = %(tenant_id)s AND s.unassigned > 0
    GROUP BY s.source, s.report_day
) c
WHERE d.tenant_id = %(tenant_id)s AND d.source = c.source AND d.report_day = c.report_day AND d.unassigned <> c.unassigned
