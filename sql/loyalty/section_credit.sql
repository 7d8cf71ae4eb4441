-- The share of the matched value of some UTC days that is credited to creators, by tenant and currency.
-- Index: the primary key of loyalty_daily_credit.
SELECT t.slug, d.currency, sum(d.value_credited) / sum(d.value_matched) AS share
FROM trackai.tenants t
JOIN trackai.loyalty_daily_credit d ON d.tenant_id = t.id
WHERE d.day BETWEEN %(first)s AND %(last)s AND (%(tenant)s::text IS NULL OR t.slug = %(tenant)s)
GROUP BY t.slug, d.currency
HAVING sum(d.value_matched) > 0
ORDER BY t.slug, d.currency
