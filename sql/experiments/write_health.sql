-- Writes the p-values of some days of a test, beside the counts that their rows hold already.
-- Index: the key of ab_test_daily_health.
INSERT INTO trackai.ab_test_daily_health AS h
    (tenant_id, test_id, day, srm_p_value, srm_p_value_before_exclusions, linkage_p_value, tracking_p_value, novelty,
     computed_at)
SELECT %(tenant_id)s, %(test_id)s, d.day, d.srm, d.srm_before, d.linkage, d.tracking, d.novelty, %(now)s
FROM unnest(
    %(days)s::date[], %(srm_p_value)s::float8[], %(srm_p_value_before_exclusions)s::float8[],
    %(linkage_p_value)s::float8[], %(tracking_p_value)s::float8[], %(novelty)s::jsonb[]
) AS d (day, srm, srm_before, linkage, tracking, novelty)
ORDER BY d.day
ON CONFLICT (tenant_id, test_id, day) DO UPDATE
SET (srm_p_value, srm_p_value_before_exclusions, linkage_p_value, tracking_p_value, novelty, computed_at) =
    (excluded.srm_p_value, excluded.srm_p_value_before_exclusions, excluded.linkage_p_value,
     excluded.tracking_p_value, excluded.novelty, excluded.computed_at)
