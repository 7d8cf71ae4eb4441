-- Forgets the buyers of a tenant whose last sale is more than buyer_memory_days before %(today)s; returns how many.
-- Index: buyers_remembered.
WITH forgotten AS (
    UPDATE trackai.buyers b SET buyer_key = NULL
    FROM trackai.tenants t
    WHERE t.id = %(tenant_id)s AND b.tenant_id = %(tenant_id)s AND b.buyer_key IS NOT NULL
      AND b.last_day < %(today)s::date - t.buyer_memory_days
    RETURNING 1
)
SELECT count(*) FROM forgotten
