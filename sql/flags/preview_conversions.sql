-- Returns how many conversions users had since a moment, and their value, by tenant and currency.
-- Index: user_conversions_by_user; the key of conversions.
SELECT l.tenant_id, c.currency, count(*), sum(c.value)
FROM unnest(%(tenants)s::text[], %(users)s::text[]) AS w (tenant_id, user_id)
JOIN trackai.user_conversions l ON l.tenant_id = w.tenant_id AND l.user_id = w.user_id
JOIN trackai.conversions c ON c.tenant_id = l.tenant_id AND c.id = l.conversion_id
WHERE c.occurred_at >= %(since)s
GROUP BY l.tenant_id, c.currency
ORDER BY l.tenant_id, c.currency
