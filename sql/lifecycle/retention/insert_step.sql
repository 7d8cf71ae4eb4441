-- Stores a step of a plan.
INSERT INTO trackai.retention_steps
    (plan_id, place, action, table_name, day, rows, bytes, reason, blocked_by, state, tenant_ids)
VALUES
    (%(plan_id)s, %(place)s, %(action)s, %(table_name)s, %(day)s, %(rows)s, %(bytes)s, %(reason)s, %(blocked_by)s,
     %(state)s, %(tenant_ids)s)
