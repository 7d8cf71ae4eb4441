-- Clears the keys of buyers in pg_temp.buyer_sales after whom the same person has become a new buyer.
-- Index: buyers' primary key.
UPDATE trackai.buyers b SET buyer_key = NULL
FROM (SELECT DISTINCT s.buyer_id FROM buyer_sales s WHERE NOT s.newest AND s.buyer_id IS NOT NULL) o
WHERE b.tenant_id = %(tenant_id)s AND b.buyer_id = o.buyer_id AND b.buyer_key IS NOT NULL
