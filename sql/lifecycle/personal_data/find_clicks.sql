-- The clicks of a tenant that have one of these ids, producer's ids or keys, and still anything personal on them.
-- Indexes: clicks' primary key and (tenant_id, external_id), clicks_by_click_key, clicks_by_browser_key.
WITH found AS (
    SELECT k.id FROM trackai.clicks k WHERE k.tenant_id = %(tenant_id)s AND k.id = ANY (%(ids)s::bigint[])
    UNION
    SELECT k.id FROM trackai.clicks k
    WHERE k.tenant_id = %(tenant_id)s AND k.external_id = ANY (%(external_ids)s::text[])
    UNION
    SELECT k.id
    FROM unnest(%(click_keys)s::text[]) AS wanted (key)
    JOIN trackai.clicks k
        ON k.tenant_id = %(tenant_id)s
       AND trackai.key_hash(trackai.click_key(k.fbc, k.fbclid)) = trackai.key_hash(wanted.key)
       AND trackai.click_key(k.fbc, k.fbclid) = wanted.key
    UNION
    SELECT k.id
    FROM unnest(%(browser_keys)s::text[]) AS wanted (key)
    JOIN trackai.clicks k
        ON k.tenant_id = %(tenant_id)s
       AND trackai.key_hash(trackai.browser_key(k.fbp)) = trackai.key_hash(wanted.key)
       AND trackai.browser_key(k.fbp) = wanted.key
)
SELECT NULL AS file, k.id, k.external_id, k.fbclid, k.fbc, k.fbp, k.ip::text,
       trackai.click_key(k.fbc, k.fbclid), trackai.browser_key(k.fbp)
FROM found f
JOIN trackai.clicks k ON k.tenant_id = %(tenant_id)s AND k.id = f.id
WHERE num_nonnulls(k.fbclid, k.fbc, k.fbp, k.ip, k.user_agent) > 0
