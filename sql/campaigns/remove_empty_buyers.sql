-- Removes buyers of pg_temp.buyer_sales that no sale is left of: all their sales are another's now.
-- Indexes: buyers' primary key, conversion_buyers_by_buyer.
DELETE FROM trackai.buyers b
USING (SELECT DISTINCT s.stored_id FROM buyer_sales s WHERE s.stored_id <> s.buyer_id) o
WHERE b.tenant_id = %(tenant_id)s AND b.buyer_id = o.stored_id
  AND NOT EXISTS (
      SELECT FROM trackai.conversion_buyers c WHERE c.tenant_id = %(tenant_id)s AND c.buyer_id = b.buyer_id
  )
