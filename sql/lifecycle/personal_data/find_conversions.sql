-- The conversions of a tenant that carry one of the hashes, with what leads to their clicks. `named`: one of the given
-- hashes is on it, so it is found without the others. `logged_at`: when it was matched, where its click has left the
-- database and only the log knows which one that was.
-- Indexes: the primary key of matched_attributions, and the indexes of conversions by hash where there are any.
SELECT c.id,
       coalesce(c.customer_email_hash = ANY (%(given)s) OR c.customer_phone_hash = ANY (%(given)s), false) AS named,
       a.click_id,
       CASE WHEN a.click_id IS NULL AND a.strategy <> 'unmatched' THEN a.matched_at END AS logged_at,
       c.fbclid, c.fbc, c.fbp, c.client_ip::text,
       trackai.click_key(c.fbc, c.fbclid), trackai.browser_key(c.fbp)
FROM trackai.conversions c
LEFT JOIN trackai.matched_attributions a ON a.tenant_id = c.tenant_id AND a.conversion_id = c.id
WHERE c.tenant_id = %(tenant_id)s
  AND (c.customer_email_hash = ANY (%(hashes)s) OR c.customer_phone_hash = ANY (%(hashes)s))
