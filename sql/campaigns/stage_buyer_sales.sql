-- Collects all sales of everybody in pg_temp.buyer_contacts, in order and numbered, into pg_temp.buyer_sales: those in
-- pg_temp.buyer_told, and those that are stored for the same buyers and whose hashes have left. A person's sale more than
-- buyer_memory_days after the one before is a new buyer's, unless both are stored as one's.
-- Indexes: the primary keys of conversions and conversion_buyers, conversion_buyers_by_buyer, buyers_by_key.
-- Guarantees: follows from the sales whose hashes are there and from what is stored of the others, so the order in which
-- days are computed does not matter. `buyer_id` is NULL for a buyer who is not stored yet; `again_at` is the buyer's next
-- sale.
CREATE TEMPORARY TABLE buyer_sales ON COMMIT DROP AS
WITH known AS MATERIALIZED (
    -- The buyers that are stored for a contact.
    SELECT DISTINCT t.person, t.buyer_key, t.buyer_id FROM buyer_told t WHERE t.buyer_id IS NOT NULL
    UNION
    SELECT p.person, p.buyer_key, b.buyer_id
    FROM buyer_contacts p
    JOIN trackai.buyers b ON b.tenant_id = %(tenant_id)s AND b.buyer_key = p.buyer_key
),
people AS MATERIALIZED (
    SELECT k.person, k.buyer_key, k.buyer_id FROM known k
    UNION
    SELECT p.person, NULL, p.buyer_id
    FROM buyer_contacts p
    WHERE p.buyer_id IS NOT NULL AND p.buyer_id NOT IN (SELECT k.buyer_id FROM known k)
),
sales AS (
    SELECT t.person, t.buyer_key, t.conversion_id, t.occurred_at,
           (t.occurred_at AT TIME ZONE 'UTC')::date AS day, t.buyer_id AS stored_id
    FROM buyer_told t
    UNION ALL
    SELECT p.person, p.buyer_key, s.conversion_id, c.occurred_at, s.day, s.buyer_id
    FROM people p
    JOIN trackai.conversion_buyers s ON s.tenant_id = %(tenant_id)s AND s.buyer_id = p.buyer_id
    LEFT JOIN trackai.conversions c ON c.tenant_id = s.tenant_id AND c.id = s.conversion_id
    -- Hashed whatever the planner expects; NOT EXISTS may loop.
    WHERE s.conversion_id NOT IN (SELECT t.conversion_id FROM buyer_told t)
    UNION ALL
    -- A first sale whose row has left.
    SELECT p.person, p.buyer_key, b.first_conversion_id, NULL, b.first_day, b.buyer_id
    FROM people p
    JOIN trackai.buyers b ON b.tenant_id = %(tenant_id)s AND b.buyer_id = p.buyer_id
    WHERE NOT EXISTS (
        SELECT FROM trackai.conversion_buyers s
        WHERE s.tenant_id = %(tenant_id)s AND s.conversion_id = b.first_conversion_id
    ) AND b.first_conversion_id NOT IN (SELECT t.conversion_id FROM buyer_told t)
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
