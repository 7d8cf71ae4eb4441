-- What became of the delivery of each tenant's sales: how many were accepted, in how many attempts, how many failed for
-- good because too little is known of the buyer; since when the tenant's sales have been attributed, and when the last
-- one was accepted. Index: dispatch_attempts_by_tenant, matched_attributions_by_strategy; for the demo, not for
-- requests.
SELECT t.slug,
       t.pixel_id,
       coalesce(d.sent, 0) AS sent,
       coalesce(d.accepted, 0) AS accepted,
       coalesce(d.refused, 0) AS refused,
       a.attributed_from,
       d.sent_until
FROM trackai.tenants t
LEFT JOIN (
    SELECT tenant_id,
           count(DISTINCT conversion_id) FILTER (WHERE status = 'success') AS sent,
           count(*) FILTER (WHERE status = 'success') AS accepted,
           count(*) FILTER (WHERE failure = 'little_user_data') AS refused,
           max(completed_at) FILTER (WHERE status = 'success') AS sent_until
    FROM trackai.dispatch_attempts
    WHERE target = 'meta'
    GROUP BY tenant_id
) d ON d.tenant_id = t.id
LEFT JOIN (
    SELECT tenant_id, min(matched_at) AS attributed_from FROM trackai.matched_attributions GROUP BY tenant_id
) a ON a.tenant_id = t.id
ORDER BY t.slug
