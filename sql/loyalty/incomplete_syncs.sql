-- Counted syncs of active programs whose report of the local day before %(now)s is missing, has less than 90 of 100 lines of
-- the day before it, or more than 1 of 100 that are nobody's: tenant and a sentence.
-- Indexes: the primary keys of loyalty_programs and sales_sync_days.
WITH rules AS (
    SELECT DISTINCT ON (p.tenant_id) p.tenant_id, p.report_sources, p.status, (%(now)s AT TIME ZONE p.time_zone)::date - 1 AS yesterday
    FROM trackai.loyalty_programs p
    WHERE p.valid_from <= (%(now)s AT TIME ZONE p.time_zone)::date
    ORDER BY p.tenant_id, p.valid_from DESC
)
SELECT r.tenant_id,
       s.source || ' of ' || r.yesterday || ': ' || CASE
           WHEN d.lines IS NULL THEN 'there is no report'
           WHEN d.lines < 0.9 * b.lines THEN d.lines || ' lines, ' || b.lines || ' the day before'
           ELSE d.unassigned || ' of ' || d.lines || ' lines are nobody''s' END AS said
FROM rules r
CROSS JOIN LATERAL unnest(r.report_sources) AS s (source)
LEFT JOIN trackai.sales_sync_days d ON d.tenant_id = r.tenant_id AND d.source = s.source AND d.report_day = r.yesterday
LEFT JOIN trackai.sales_sync_days b ON b.tenant_id = r.tenant_id AND b.source = s.source AND b.report_day = r.yesterday - 1
WHERE r.status = 'active'
  AND (d.lines IS NULL OR d.lines < 0.9 * b.lines OR d.unassigned > 0.01 * d.lines)
ORDER BY r.tenant_id, s.source
