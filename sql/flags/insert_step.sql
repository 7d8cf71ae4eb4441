-- Plans a guarded step of a ramp. Returns its id.
INSERT INTO trackai.feature_flag_plans
    (flag_id, tenant_id, step, apply_at, change, guard, reason, created_by, created_at)
VALUES
    (%(flag_id)s, %(tenant_id)s, %(step)s, %(apply_at)s, %(change)s, %(guard)s, %(reason)s, %(by)s, %(now)s)
RETURNING id
