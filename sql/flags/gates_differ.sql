-- Returns whether the columns of a tenant that are gates say something else than their gates. Reads all tenants.
SELECT EXISTS (
    SELECT 1
    FROM trackai.tenants t
    WHERE (t.email_matching::text, t.lookback_days::text, t.dispatch_policy) IS DISTINCT FROM (
        trackai.gate_now('email_matching', t.id), trackai.gate_now('lookback_days', t.id),
        trackai.gate_now('dispatch_policy', t.id)
    )
)
