-- Returns the moments at which the gates decided about one conversion: of the sale, of the last decision of matching with
-- its run, of the last attempt to deliver, and of anonymising. NULL where something has not happened.
-- Indexes: primary keys, match_log_by_conversion in each partition, dispatch_attempts_by_conversion.
SELECT t.slug AS tenant,
       c.occurred_at AS sold_at,
       greatest(a.matched_at, l.created_at) AS decided_at,
       l.run_id,
       (SELECT max(d.created_at) FROM trackai.dispatch_attempts d
        WHERE d.tenant_id = c.tenant_id AND d.conversion_id = c.id) AS delivered_at,
       c.anonymised_at
FROM trackai.conversions c
JOIN trackai.tenants t ON t.id = c.tenant_id
LEFT JOIN trackai.matched_attributions a ON a.tenant_id = c.tenant_id AND a.conversion_id = c.id
LEFT JOIN LATERAL (
    SELECT l.created_at, l.run_id
    FROM trackai.match_log l
    WHERE l.tenant_id = c.tenant_id AND l.conversion_id = c.id
    ORDER BY l.created_at DESC, l.attempt DESC
    LIMIT 1
) l ON true
WHERE c.tenant_id = %(tenant_id)s AND c.id = %(conversion_id)s
