-- Adds a client of a tenant and returns its number. Index: UNIQUE (tenant_id, key_sha256), which no two keys share.
INSERT INTO trackai.feature_flag_clients
(tenant_id, name, app_type, key_sha256, allowed_origins, per_second, created_at)
VALUES (
    %(tenant_id)s, %(name)s, %(app_type)s, %(key_sha256)s, %(allowed_origins)s, %(per_second)s, %(created_at)s
)
RETURNING id
