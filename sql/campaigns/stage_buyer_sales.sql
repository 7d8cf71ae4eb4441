-- Collects all sales of everybody who bought on a tenant's UTC day, in order and numbered, into pg_temp.buyer_sales.
-- A person is a contact hash, or a stored buyer whose hashes have left. A person's sale more than buyer_memory_days after
-- the one before is a new buyer's, unless both are stored as one's.
-- Indexes: conversions_by_day, conversions_by_email, conversions_by_phone, conversion_buyers' primary key and
-- conversion_buyers_by_buyer, buyers_by_key.
-- Guarantees: follows from the sales whose hashes are there and from what is stored of the others, so the order in which
-- days are computed does not matter. `buyer_id` is NULL for a buyer who is not stored yet; `again_at` is the buyer's next
-- sale.
CREATE TEMPORARY TABLE buyer_sales ON COMMIT DROP AS
WITH of_day AS MATERIALIZED (
    SELECT c.id AS conversion_id, trackai.buyer_contact(c.customer_email_hash, c.customer_phone_hash) AS contact,
           s.buyer_id
    FROM trackai.conversions c
    LEFT JOIN trackai.conversion_buyers s ON s.tenant_id = c.tenant_id AND s.conversion_id = c.id
    WHERE c.tenant_id = %(tenant_id)s
      AND c.occurred_at >= %(day)s::date::timestamp AT TIME ZONE 'UTC'
      AND c.occurred_at < (%(day)s::date + 1)::timestamp AT TIME ZONE 'UTC'
),
contacts AS MATERIALIZED (
    SELECT DISTINCT d.contact, trackai.buyer_key(%(tenant_id)s, d.contact) AS buyer_key
    FROM of_day d
    WHERE d.contact IS NOT NULL
),
told AS MATERIALIZED (
    SELECT p.contact, p.buyer_key, c.id AS conversion_id, c.occurred_at, s.buyer_id
    FROM contacts p
    JOIN trackai.conversions c ON c.tenant_id = %(tenant_id)s AND c.customer_email_hash = p.contact
    LEFT JOIN trackai.conversion_buyers s ON s.tenant_id = c.tenant_id AND s.conversion_id = c.id
    UNION ALL
    SELECT p.contact, p.buyer_key, c.id, c.occurred_at, s.buyer_id
    FROM contacts p
    JOIN trackai.conversions c
        ON c.tenant_id = %(tenant_id)s AND c.customer_phone_hash = p.contact
       AND trackai.contact_hash(c.customer_email_hash) IS NULL
    LEFT JOIN trackai.conversion_buyers s ON s.tenant_id = c.tenant_id AND s.conversion_id = c.id
),
known AS MATERIALIZED (
    -- The buyers that are stored for a contact.
    SELECT DISTINCT t.contact, t.buyer_key, t.buyer_id FROM told t WHERE t.buyer_id IS NOT NULL
    UNION
    SELECT p.contact, p.buyer_key, b.buyer_id
    FROM contacts p
    JOIN trackai.buyers b ON b.tenant_id = %(tenant_id)s AND b.buyer_key = p.buyer_key
),
people AS MATERIALIZED (
    SELECT k.contact AS person, k.buyer_key, k.buyer_id FROM known k
    UNION
    SELECT 'buyer ' || d.buyer_id, NULL, d.buyer_id
    FROM of_day d
    WHERE d.contact IS NULL AND d.buyer_id IS NOT NULL AND d.buyer_id NOT IN (SELECT k.buyer_id FROM known k)
),
sales AS (
    SELECT t.contact AS person, t.buyer_key, t.conversion_id, t.occurred_at,
           (t.occurred_at AT TIME ZONE 'UTC')::date AS day, t.buyer_id AS stored_id
    FROM told t
    UNION ALL
    SELECT p.person, p.buyer_key, s.conversion_id, c.occurred_at, s.day, s.buyer_id
    FROM people p
    JOIN trackai.conversion_buyers s ON s.tenant_id = %(tenant_id)s AND s.buyer_id = p.buyer_id
    LEFT JOIN trackai.conversions c ON c.tenant_id = s.tenant_id AND c.id = s.conversion_id
    WHERE NOT EXISTS (SELECT FROM told t WHERE t.conversion_id = s.conversion_id)
    UNION ALL
    -- A first sale whose row has left.
    SELECT p.person, p.buyer_key, b.first_conversion_id, NULL, b.first_day, b.buyer_id
    FROM people p
    JOIN trackai.buyers b ON b.tenant_id = %(tenant_id)s AND b.buyer_id = p.buyer_id
    WHERE NOT EXISTS (
        SELECT FROM trackai.conversion_buyers s
        WHERE s.tenant_id = %(tenant_id)s AND s.conversion_id = b.first_conversion_id
    ) AND NOT EXISTS (SELECT FROM told t WHERE t.conversion_id = b.first_conversion_id)
),
in_order AS (
    SELECT s.*,
           s.day - lag(s.day) OVER person > b.buyer_memory_days
           AND coalesce(s.stored_id, 0) <> coalesce(lag(s.stored_id) OVER person, -1) AS afresh
    FROM sales s
    JOIN trackai.tenants b ON b.id = %(tenant_id)s
    WINDOW person AS (PARTITION BY s.person ORDER BY s.day, s.occurred_at NULLS FIRST, s.conversion_id)
),
spells AS (
    SELECT o.*,
           count(*) FILTER (WHERE o.afresh) OVER (
               PARTITION BY o.person ORDER BY o.day, o.occurred_at NULLS FIRST, o.conversion_id
           ) AS spell
    FROM in_order o
)
SELECT s.person, s.spell, s.buyer_key, s.conversion_id, s.occurred_at, s.day, s.stored_id,
       min(s.stored_id) OVER of_buyer AS buyer_id,
       row_number() OVER in_turn::integer AS sale_number,
       lead(s.occurred_at) OVER in_turn AS again_at,
       s.spell = max(s.spell) OVER (PARTITION BY s.person) AS newest,
       bool_or(s.day = %(day)s) OVER of_buyer AS bought_on_day
FROM spells s
WINDOW of_buyer AS (PARTITION BY s.person, s.spell),
       in_turn AS (of_buyer ORDER BY s.day, s.occurred_at NULLS FIRST, s.conversion_id)
