-- Returns the periods of tenants in which sales have other settings than remember_settings saw in this transaction. The
-- bounds are texts, because they may be infinite.
-- Index: the primary key of matching_settings. Guarantees: disjoint periods; equal values of another version are no
-- change.
SELECT s.tenant_id,
       greatest(b.effective_from, s.effective_from)::text AS since,
       least(b.effective_to, s.effective_to)::text AS until
FROM pg_temp.settings_before b
JOIN trackai.matching_settings s
    ON s.tenant_id = b.tenant_id AND s.effective_from < b.effective_to AND b.effective_from < s.effective_to
WHERE (s.lookback_days, s.email_matching) IS DISTINCT FROM (b.lookback_days, b.email_matching)
ORDER BY s.tenant_id, s.effective_from, b.effective_from
