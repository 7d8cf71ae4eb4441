-- Attributions of all conversions that have none, by the usual shares, without a look-up: for what only counts them.
INSERT INTO trackai.matched_attributions (tenant_id, conversion_id, strategy, matched_at, attempts)
SELECT c.tenant_id,
       c.id,
       CASE WHEN share < 75 THEN 'fbc' WHEN share < 90 THEN 'fbp' ELSE 'unmatched' END,
       c.created_at + benchmark.chance(c.id, 10) * interval '1 second',
       1
FROM trackai.conversions c
CROSS JOIN LATERAL (SELECT floor(100 * benchmark.chance(c.id, 11)) AS share) shares
ON CONFLICT DO NOTHING
