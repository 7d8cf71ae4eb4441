-- The matched sales of a tenant over UTC days, as daily_match_rates has them.
-- Index: daily_match_rates' primary key.
SELECT coalesce(sum(r.fbc + r.fbp + r.email), 0)::bigint AS matched
FROM trackai.daily_match_rates r
WHERE r.tenant_id = %(tenant_id)s AND r.day BETWEEN %(from_day)s AND %(to_day)s
