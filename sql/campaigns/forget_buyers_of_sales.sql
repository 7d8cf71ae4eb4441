-- Clears the keys of the buyers of some sales of a tenant: nothing leads from a contact to them any more.
-- Indexes: the primary keys of conversion_buyers and buyers.
UPDATE trackai.buyers b SET buyer_key = NULL
FROM trackai.conversion_buyers s
WHERE s.tenant_id = %(tenant_id)s AND s.conversion_id = ANY (%(conversion_ids)s::bigint[])
  AND b.tenant_id = %(tenant_id)s AND b.buyer_id = s.buyer_id AND b.buyer_key IS NOT NULL
