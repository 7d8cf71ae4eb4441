-- Writes down what became of a step.
-- Index: the primary key of retention_steps.
UPDATE trackai.retention_steps
SET state = %(state)s, blocked_by = %(blocked_by)s, rows_done = %(rows_done)s, outcome = %(outcome)s
WHERE plan_id = %(plan_id)s AND place = %(place)s
