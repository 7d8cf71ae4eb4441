-- How many members each of some segments has, by tenant, the smallest first.
-- Index: feature_flag_segment_members' primary key, read whole.
SELECT m.tenant_id, m.segment, count(*) AS members
FROM trackai.feature_flag_segment_members AS m
WHERE m.segment = ANY(%(segments)s)
GROUP BY m.tenant_id, m.segment
ORDER BY members, m.tenant_id, m.segment
