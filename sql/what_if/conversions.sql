-- Returns the conversions of a range of UTC days, with their keys and the settings of their moments. For PostgreSQL.
-- Indexes: conversions_by_day, matching_settings' primary key.
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
       s.lookback_days,
       s.email_matching
FROM trackai.conversions c
LEFT JOIN trackai.matching_settings s
    ON s.tenant_id = c.tenant_id AND s.effective_from <= c.occurred_at AND c.occurred_at < s.effective_to
WHERE c.occurred_at >= {from_day}::date::timestamp AT TIME ZONE 'UTC'
  AND c.occurred_at < {after_day}::date::timestamp AT TIME ZONE 'UTC'
