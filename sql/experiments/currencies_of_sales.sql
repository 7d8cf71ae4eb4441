-- Returns the currencies of a tenant's conversions of some time. Index: conversions_by_day, whose blocks it reads.
SELECT DISTINCT c.currency
FROM trackai.conversions c
WHERE c.tenant_id = %(tenant_id)s AND c.occurred_at >= %(since)s AND c.occurred_at < %(until)s AND c.currency IS NOT NULL
ORDER BY c.currency
