-- Notes up to what arrival and day tests were computed, and with what design. Index: the primary key, in whose order rows
-- are written.
INSERT INTO trackai.ab_test_scans (tenant_id, test_id, scanned_to, computed_to, design)
SELECT %(tenant_id)s, t.test_id, t.scanned_to, t.computed_to, t.design
FROM unnest(
    %(test_ids)s::bigint[], %(scanned_to)s::timestamptz[], %(computed_to)s::date[], %(designs)s::jsonb[]
) AS t (test_id, scanned_to, computed_to, design)
ORDER BY t.test_id
ON CONFLICT (tenant_id, test_id) DO UPDATE
SET scanned_to = excluded.scanned_to, computed_to = excluded.computed_to, design = excluded.design
