-- Returns the match rates of a range of days, one row for each tenant and day, over all gateways and currencies.
-- Index: daily_match_rates_by_day.
-- Guarantees: only days that have been aggregated; both ends of the range are included.
SELECT t.slug,
       r.day,
       sum(r.conversions)::bigint AS conversions,
       sum(r.fbc)::bigint AS fbc,
       sum(r.fbp)::bigint AS fbp,
       sum(r.email)::bigint AS email,
       sum(r.unmatched)::bigint AS unmatched,
       sum(r.pending)::bigint AS pending
FROM trackai.daily_match_rates r
JOIN trackai.tenants t ON t.id = r.tenant_id
WHERE r.day BETWEEN %(from_day)s AND %(to_day)s
GROUP BY t.slug, r.day
ORDER BY t.slug, r.day;
