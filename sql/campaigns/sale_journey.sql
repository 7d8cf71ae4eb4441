-- Returns a sale by what people know of it, how it was matched and the journey that is stored of it.
-- Indexes: tenants' keys, conversions' (tenant_id, gateway, gateway_event_id), and the primary keys of
-- matched_attributions and conversion_journeys. The slug wins over another tenant's id.
SELECT t.id AS tenant_id,
       c.id AS conversion_id,
       (c.occurred_at AT TIME ZONE 'UTC')::date AS day,
       c.occurred_at,
       c.event_name,
       c.value,
       c.currency::text AS currency,
       a.strategy,
       j.shared_keys,
       j.truncated,
       c.anonymised_at IS NOT NULL AS anonymised
FROM trackai.tenants t
JOIN trackai.conversions c ON c.tenant_id = t.id
LEFT JOIN trackai.matched_attributions a ON a.tenant_id = c.tenant_id AND a.conversion_id = c.id
LEFT JOIN trackai.conversion_journeys j ON j.tenant_id = c.tenant_id AND j.conversion_id = c.id
WHERE (t.slug = %(tenant)s OR t.id = %(tenant)s)
  AND (
      c.gateway = %(gateway)s AND c.gateway_event_id = %(event_id)s
      OR c.id = %(conversion_id)s
  )
ORDER BY t.slug = %(tenant)s DESC
LIMIT 1
