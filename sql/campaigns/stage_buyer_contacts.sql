-- Lists who bought on a tenant's UTC day in pg_temp.buyer_contacts: a contact hash, with a number and the key that remembers
-- it, or a stored buyer whose hash has left the sale. It is a table of its own, as the next step is: in one statement the
-- planner would not know how few rows each step leaves, and loop.
-- Indexes: conversions_by_day, conversion_buyers' primary key.
-- (SELECT %(tenant_id)s) hides the tenant from the planner, which takes one that is newer than its statistics for one row.
CREATE TEMPORARY TABLE buyer_contacts ON COMMIT DROP AS
WITH of_day AS MATERIALIZED (
    SELECT trackai.buyer_contact(c.customer_email_hash, c.customer_phone_hash) COLLATE "C" AS contact, s.buyer_id
    FROM trackai.conversions c
    LEFT JOIN trackai.conversion_buyers s ON s.tenant_id = c.tenant_id AND s.conversion_id = c.id
    WHERE c.tenant_id = (SELECT %(tenant_id)s)
      AND c.occurred_at >= %(day)s::date::timestamp AT TIME ZONE 'UTC'
      AND c.occurred_at < (%(day)s::date + 1)::timestamp AT TIME ZONE 'UTC'
)
SELECT row_number() OVER () AS person, d.contact, trackai.buyer_key(%(tenant_id)s, d.contact) AS buyer_key,
       NULL::bigint AS buyer_id
FROM (SELECT DISTINCT x.contact FROM of_day x WHERE x.contact IS NOT NULL) d
UNION ALL
SELECT -g.buyer_id, NULL, NULL, g.buyer_id
FROM (SELECT DISTINCT x.buyer_id FROM of_day x WHERE x.contact IS NULL AND x.buyer_id IS NOT NULL) g
