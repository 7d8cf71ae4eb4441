-- How many users of each tenant of the sample were first served each variant of the badge in its days, and one line more
-- for each who was served another one since. Reads the flag's exposures whole.
SELECT t.slug, CASE WHEN e.crossed THEN 'crossed ' || e.user_id ELSE e.variant_key END AS variant, count(*)
FROM trackai.v_flag_first_exposures e
JOIN trackai.tenants t ON t.id = e.tenant_id
WHERE e.flag_key = %(badge)s
  AND t.slug = ANY (%(tenants)s)
  AND e.first_exposed_at < %(end)s
GROUP BY 1, 2
