-- Gives the columns of tenants that are gates the present values of their gates, of one tenant or of all (NULL).
-- Reads all tenants. Guarantees: a tenant whose columns are right is not written; no override comes of it, because the
-- columns then say what the gates say.
UPDATE trackai.tenants t
SET email_matching = g.email_matching, lookback_days = g.lookback_days, dispatch_policy = g.dispatch_policy
FROM (
    SELECT n.id, trackai.gate_now('email_matching', n.id)::boolean AS email_matching,
           trackai.gate_now('lookback_days', n.id)::integer AS lookback_days,
           trackai.gate_now('dispatch_policy', n.id) AS dispatch_policy
    FROM trackai.tenants n
    WHERE %(tenant_id)s::text IS NULL OR n.id = %(tenant_id)s
) AS g
WHERE t.id = g.id
  AND (t.email_matching, t.lookback_days, t.dispatch_policy)
      IS DISTINCT FROM (g.email_matching, g.lookback_days, g.dispatch_policy)
