-- Returns the conversions of a range of UTC days, with their keys and their tenant's settings. For PostgreSQL.
-- Index: conversions_by_day.
-- Guarantees: one row for each conversion, decided or not; XXX stands for no currency. Its e-mail hash is there until it
-- is anonymised, unless it is nobody's.
SELECT c.tenant_id,
       c.id,
       c.gateway,
       coalesce(c.currency, 'XXX')::text AS currency,
       c.value::text AS value,
       c.occurred_at,
       c.created_at,
       trackai.click_key(c.fbc, c.fbclid) AS click_key,
       trackai.browser_key(c.fbp) AS browser_key,
       trackai.contact_hash(c.customer_email_hash) AS email_hash,
       c.customer_email_hash IS NULL AS has_lost_email,
       t.lookback_days,
       t.email_matching
FROM trackai.conversions c
JOIN trackai.tenants t ON t.id = c.tenant_id
WHERE c.occurred_at >= {from_day}::date::timestamp AT TIME ZONE 'UTC'
  AND c.occurred_at < {after_day}::date::timestamp AT TIME ZONE 'UTC'
