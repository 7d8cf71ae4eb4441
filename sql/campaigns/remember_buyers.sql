-- Remembers the buyers of pg_temp.buyer_sales by a key: of each person the newest, for buyer_memory_days after the last
-- sale. Buyers without a stored sale have just been added with their key.
-- Index: buyers' primary key.
UPDATE trackai.buyers b SET buyer_key = n.buyer_key
FROM (
    SELECT DISTINCT s.buyer_id, s.buyer_key
    FROM buyer_sales s
    WHERE s.newest AND s.buyer_key IS NOT NULL AND s.stored_id IS NOT NULL
) n
JOIN trackai.tenants t ON t.id = %(tenant_id)s
WHERE b.tenant_id = %(tenant_id)s AND b.buyer_id = n.buyer_id AND b.buyer_key IS NULL
  AND b.last_day >= %(today)s::date - t.buyer_memory_days
