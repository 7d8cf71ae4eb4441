-- The steps of a plan, in the order of their execution.
-- Index: the primary key of retention_steps.
SELECT place, action, table_name, day, rows, bytes, reason, blocked_by, state, rows_done, outcome,
       tenant_ids
FROM trackai.retention_steps
WHERE plan_id = %(id)s
ORDER BY place
