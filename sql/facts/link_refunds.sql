-- Brings up to date all links of a tenant's refunds with their sales; returns how many were made, changed or removed.
-- Reads the tenant's refunds once. Indexes: those of the view. Repeating it changes nothing.
-- (SELECT %(tenant_id)s) hides the tenant from the planner, which takes one that is newer than its statistics for one row.
WITH linked AS (
    UPDATE trackai.refunds r
    SET conversion_id = w.conversion_id
    FROM trackai.v_wrong_refund_links w
    WHERE w.tenant_id = (SELECT %(tenant_id)s) AND r.tenant_id = w.tenant_id AND r.id = w.refund_id
    RETURNING 1
)
SELECT count(*) FROM linked
