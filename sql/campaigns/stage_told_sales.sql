-- Collects all sales of a tenant whose hash is one of pg_temp.buyer_contacts, in pg_temp.buyer_told, with the buyer that is
-- stored for each.
-- Indexes: conversions_by_email, conversions_by_phone, conversion_buyers' primary key.
-- (SELECT %(tenant_id)s) hides the tenant from the planner, which takes one that is newer than its statistics for one row.
CREATE TEMPORARY TABLE buyer_told ON COMMIT DROP AS
SELECT f.person, f.buyer_key, f.conversion_id, f.occurred_at, s.buyer_id
FROM (
    SELECT c.tenant_id, p.person, p.buyer_key, c.id AS conversion_id, c.occurred_at
    FROM buyer_contacts p
    JOIN trackai.conversions c ON c.tenant_id = (SELECT %(tenant_id)s) AND c.customer_email_hash = p.contact
    UNION ALL
    SELECT c.tenant_id, p.person, p.buyer_key, c.id, c.occurred_at
    FROM buyer_contacts p
    JOIN trackai.conversions c
        ON c.tenant_id = (SELECT %(tenant_id)s) AND c.customer_phone_hash = p.contact
       AND trackai.contact_hash(c.customer_email_hash) IS NULL
) f
LEFT JOIN trackai.conversion_buyers s ON s.tenant_id = f.tenant_id AND s.conversion_id = f.conversion_id
