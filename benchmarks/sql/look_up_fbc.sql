-- The newest click of a tenant with this click id in a window.
-- Index: clicks_by_click_key, one entry.
SELECT c.id
FROM trackai.clicks c
WHERE c.tenant_id = %(tenant_id)s
  AND trackai.key_hash(trackai.click_key(c.fbc, c.fbclid)) = trackai.key_hash(%(key)s)
  AND trackai.click_key(c.fbc, c.fbclid) = %(key)s
  AND c.created_at > %(after)s
  AND c.created_at <= %(until)s
ORDER BY c.created_at DESC, c.id DESC
LIMIT 1
