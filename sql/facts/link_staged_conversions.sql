-- Links staged conversions with their users. Index: conversions' UNIQUE (tenant_id, gateway, gateway_event_id), users by
-- hash. Without a user anywhere nothing is looked up. A conversion that was staged twice is linked once. Repeating it
-- changes nothing.
INSERT INTO trackai.user_conversions AS l (tenant_id, conversion_id, user_id, linked_by, linked_at)
SELECT DISTINCT w.tenant_id, w.conversion_id, w.user_id, w.linked_by, %(now)s::timestamptz
FROM pg_temp.staged_conversions s
JOIN trackai.v_wrong_user_links w
    ON w.tenant_id = s.tenant_id AND w.gateway = s.gateway AND w.gateway_event_id = s.gateway_event_id
WHERE w.user_id IS NOT NULL
  AND EXISTS (SELECT FROM trackai.users)
  AND (s.customer_email_hash IS NOT NULL OR s.customer_phone_hash IS NOT NULL)
ORDER BY w.tenant_id, w.conversion_id
ON CONFLICT (tenant_id, conversion_id) DO UPDATE
SET user_id = excluded.user_id, linked_by = excluded.linked_by, linked_at = excluded.linked_at
