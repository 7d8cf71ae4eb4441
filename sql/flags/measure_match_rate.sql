-- Returns the matched conversions of tenants and all that were decided, on the UTC days from a first one to before another.
-- Index: the key of daily_match_rates.
SELECT coalesce(sum(d.fbc + d.fbp + d.email), 0)::bigint,
       coalesce(sum(d.fbc + d.fbp + d.email + d.unmatched), 0)::bigint
FROM trackai.daily_match_rates d
WHERE d.tenant_id = ANY (%(tenants)s) AND d.day >= %(first)s AND d.day < %(before)s
