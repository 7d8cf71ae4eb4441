-- The evaluations of some days by tenant: how many events of each kind. Index: the primary key of tier_evaluations.
SELECT t.slug, sum(v.promoted) AS promoted, sum(v.maintained) AS maintained, sum(v.demoted) AS demoted,
       sum(v.corrected) AS corrected, sum(v.graced) AS grace
FROM trackai.tenants t
JOIN trackai.tier_evaluations v ON v.tenant_id = t.id
WHERE v.day BETWEEN %(first)s AND %(last)s AND (%(tenant)s::text IS NULL OR t.slug = %(tenant)s)
GROUP BY t.slug
