-- Counts the accepted events that carry each key, by tenant and UTC day of the sale.
-- Each bit stands for the key at its place in events.KEYS. Indexes: conversions_by_day,
-- dispatch_attempts_by_conversion.
SELECT t.slug,
       (c.occurred_at AT TIME ZONE 'UTC')::date AS day,
       count(*) AS events,
       count(*) FILTER (WHERE d.keys & 1 <> 0) AS em,
       count(*) FILTER (WHERE d.keys & 2 <> 0) AS ph,
       count(*) FILTER (WHERE d.keys & 4 <> 0) AS fbc,
       count(*) FILTER (WHERE d.keys & 8 <> 0) AS fbp,
       count(*) FILTER (WHERE d.keys & 16 <> 0) AS client_ip_address,
       count(*) FILTER (WHERE d.keys & 32 <> 0) AS client_user_agent,
       count(*) FILTER (WHERE d.keys & 64 <> 0) AS external_id
FROM trackai.conversions c
JOIN trackai.tenants t ON t.id = c.tenant_id
CROSS JOIN LATERAL (
    SELECT a.keys
    FROM trackai.dispatch_attempts a
    WHERE a.tenant_id = c.tenant_id AND a.conversion_id = c.id AND a.status = 'success' AND a.target = 'meta'
    ORDER BY a.attempt DESC
    LIMIT 1
) d
WHERE c.occurred_at >= %(from_day)s::date::timestamp AT TIME ZONE 'UTC'
  AND c.occurred_at < %(to_day)s::date::timestamp AT TIME ZONE 'UTC'
GROUP BY t.slug, day
ORDER BY t.slug, day
