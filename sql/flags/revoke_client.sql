-- Revokes a client. Index: the primary key. Guarantees: the moment of the first revocation stays.
UPDATE trackai.feature_flag_clients
SET revoked_at = coalesce(revoked_at, %(now)s)
WHERE tenant_id = %(tenant_id)s AND id = %(id)s
