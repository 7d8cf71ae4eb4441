-- Limited rewards that are on offer, those with the least left first. Index: rewards_page.
SELECT t.slug, r.name, r.stock_taken, r.stock_total
FROM trackai.rewards r
JOIN trackai.tenants t ON t.id = r.tenant_id
WHERE r.enabled AND r.stock_total > 0 AND (r.ends_on IS NULL OR r.ends_on > %(last)s)
  AND (%(tenant)s::text IS NULL OR t.slug = %(tenant)s)
ORDER BY t.slug, r.stock_taken::numeric / r.stock_total DESC, r.reward_id
