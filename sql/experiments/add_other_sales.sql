-- Adds the other sales of users who arrived or changed, unless they are there.
-- Indexes: none is needed for links, which are read once; those of nearly all users without anything new are left out by
-- their bits (user_bits.py). Sales are looked up by the keys of conversions and matched_attributions.
INSERT INTO pg_temp.arrived_sales
    (conversion_id, user_id, event_name, occurred_at, value, currency, attributed, anonymised, arrived)
SELECT l.conversion_id, l.user_id, c.event_name, c.occurred_at, c.value, c.currency,
       coalesce(a.strategy <> 'unmatched', false), c.anonymised_at IS NOT NULL, false
FROM (
    SELECT f.conversion_id, f.user_id
    FROM trackai.user_conversions f
    WHERE f.tenant_id = %(tenant_id)s
      AND get_bit(%(bits)s::bytea, hashtextextended(f.user_id COLLATE "C", 7) & %(mask)s::bigint) = 1
      AND f.user_id IN (SELECT u.user_id FROM pg_temp.arrived_users u WHERE u.arrived)
      AND NOT EXISTS (SELECT FROM pg_temp.arrived_sales s WHERE s.conversion_id = f.conversion_id)
    OFFSET 0
) l
CROSS JOIN LATERAL (
    SELECT f.event_name, f.occurred_at, f.value, f.currency, f.anonymised_at
    FROM trackai.conversions f
    WHERE f.tenant_id = %(tenant_id)s AND f.id = l.conversion_id
    OFFSET 0
) c
LEFT JOIN LATERAL (
    SELECT f.strategy
    FROM trackai.matched_attributions f
    WHERE f.tenant_id = %(tenant_id)s AND f.conversion_id = l.conversion_id
    OFFSET 0
) a ON true
