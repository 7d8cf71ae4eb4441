-- Every tenant, in order of slug. Index: none, a small table read whole.
SELECT id, slug, name, status, pixel_id, lookback_days, email_matching, default_country
FROM trackai.tenants
ORDER BY slug
