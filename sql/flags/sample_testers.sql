-- How many users of each tenant of the sample are testers. Index: the primary key of the members.
SELECT t.slug, count(*)
FROM trackai.feature_flag_segment_members m
JOIN trackai.tenants t ON t.id = m.tenant_id
WHERE t.slug = ANY (%(tenants)s) AND m.segment = %(testers)s
GROUP BY t.slug
