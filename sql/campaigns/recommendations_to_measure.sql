-- A tenant's recommendations of rules that were implemented 28 days or more before the UTC day %(day)s and are not measured
-- yet, each with the UTC day of implementing. Those that cannot be measured are looked at for a week.
-- Index: the primary key; a tenant has few recommendations.
SELECT o.id, o.campaign_id, o.rule, o.subject, o.evidence, (o.implemented_at AT TIME ZONE 'UTC')::date AS implemented_on
FROM trackai.campaign_optimizations o
WHERE o.tenant_id = %(tenant_id)s
  AND o.source = 'rule'
  AND o.measured_uplift_percent IS NULL
  AND (o.implemented_at AT TIME ZONE 'UTC')::date BETWEEN %(day)s::date - 35 AND %(day)s::date - 28
ORDER BY o.implemented_at, o.id
