-- A decided test that was not split or measured as planned is not safe to act on.
COMMENT ON COLUMN trackai.ab_test_results.safe_to_act IS 'whether the test is decided, and was split and measured as planned';
UPDATE trackai.ab_test_results r
SET safe_to_act = false
FROM (
    SELECT DISTINCT ON (d.tenant_id, d.test_id) d.tenant_id, d.test_id, d.outcome
    FROM trackai.ab_test_decisions d
    ORDER BY d.tenant_id, d.test_id, d.decided_at DESC, d.id DESC
) d
WHERE r.tenant_id = d.tenant_id AND r.test_id = d.test_id
  AND d.outcome IN ('configuration_changed', 'no_plan', 'sample_ratio_mismatch', 'linkage_differs', 'tracking_differs');
