-- What evaluated days came to over all programs. Index: none; the evaluations of all tenants are read.
SELECT v.day, count(*) AS programs, sum(v.members) AS creators, sum(v.promoted) AS promoted,
       sum(v.maintained) AS maintained, sum(v.demoted) AS demoted, sum(v.corrected) AS corrected, sum(v.graced) AS grace
FROM trackai.tier_evaluations v
WHERE v.day = ANY(%(days)s)
GROUP BY v.day
ORDER BY v.day
