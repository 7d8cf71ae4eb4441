-- Inserts the guardrails of a new test.
INSERT INTO trackai.ab_test_guardrails (tenant_id, test_id, metric, margin, rule)
SELECT %(tenant_id)s, %(test_id)s, g.metric, g.margin, g.rule
FROM unnest(%(metrics)s::text[], %(margins)s::float8[], %(rules)s::text[]) AS g (metric, margin, rule)
