-- A tenant's linked sales in the time of its tests, with their user and whether a click led to them, as far as they had arrived
-- by %(known_at)s. Those that were anonymised by %(anonymised_by)s are left out. Links and matches are all that there are, or
-- others (links_as_known, matches_within).
-- Indexes: none is needed, as in outcomes.
SELECT l.user_id, c.id AS conversion_id, c.event_name, c.occurred_at, c.value, c.currency,
       coalesce(a.strategy <> 'unmatched', false) AS attributed
FROM trackai.conversions c
JOIN {links} l ON l.tenant_id = %(tenant_id)s AND l.conversion_id = c.id
LEFT JOIN {matches} a
    ON a.tenant_id = %(tenant_id)s AND a.conversion_id = c.id AND a.matched_at <= %(known_at)s
WHERE c.tenant_id = %(tenant_id)s AND (c.anonymised_at IS NULL OR c.anonymised_at > %(anonymised_by)s)
  AND c.occurred_at >= %(sales_from)s AND c.occurred_at < %(sales_until)s
  AND c.created_at <= %(known_at)s
OFFSET 0
