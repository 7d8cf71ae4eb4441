-- What a conversion says of a sale, and of the person only whether there is an e-mail hash. Indexes: primary keys.
SELECT t.slug, t.status, c.event_name, c.order_id, c.value, c.currency, c.occurred_at, c.created_at,
       trackai.click_key(c.fbc, c.fbclid) AS click_key, trackai.browser_key(c.fbp) AS browser_key,
       c.customer_email_hash IS NOT NULL AS has_email
FROM trackai.conversions c
JOIN trackai.tenants t ON t.id = c.tenant_id
WHERE c.tenant_id = %(tenant_id)s AND c.id = %(conversion_id)s
