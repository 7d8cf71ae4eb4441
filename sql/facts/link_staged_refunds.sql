-- Links staged refunds with their sales. Indexes: refunds' UNIQUE (tenant_id, gateway, gateway_event_id), those of the view.
-- The rows it locks are of this load, or are locked by loads of refunds alone. Repeating it changes nothing.
UPDATE trackai.refunds r
SET conversion_id = w.conversion_id
FROM pg_temp.staged_refunds s
JOIN trackai.v_wrong_refund_links w
    ON w.tenant_id = s.tenant_id AND w.gateway = s.gateway AND w.gateway_event_id = s.gateway_event_id
WHERE r.tenant_id = w.tenant_id AND r.id = w.refund_id
