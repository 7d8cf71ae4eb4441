-- Who was served which variant of a flag first, where that was on the UTC days %(from_day)s to %(to_day)s.
-- Reads the exposures of the flag, of all days: the view v_flag_first_exposures.
SELECT t.slug AS tenant, x.salt, x.user_id, x.variant_key, x.first_exposed_at, x.crossed
FROM trackai.v_flag_first_exposures AS x
JOIN trackai.tenants AS t ON t.id = x.tenant_id
WHERE x.flag_id = %(flag_id)s
  AND x.first_exposed_at >= %(from_day)s::date::timestamp AT TIME ZONE 'UTC'
  AND x.first_exposed_at < (%(to_day)s::date + 1)::timestamp AT TIME ZONE 'UTC'
ORDER BY x.first_exposed_at, t.slug, x.user_id, x.salt
