-- The hashes that stand beside the given ones on a tenant's conversions and identities: the phone of the same person, say.
-- Indexes: identities_by_email, identities_by_phone. Conversions are read whole, in parallel: an index on their hashes
-- would cost every sale something, and a person is erased seldom.
SELECT hash
FROM (
    SELECT unnest(ARRAY[c.customer_email_hash, c.customer_phone_hash]) AS hash
    FROM trackai.conversions c
    WHERE c.tenant_id = %(tenant_id)s
      AND (c.customer_email_hash = ANY (%(given)s) OR c.customer_phone_hash = ANY (%(given)s))
    UNION
    SELECT unnest(ARRAY[i.email_hash, i.phone_hash])
    FROM trackai.identities i
    WHERE i.tenant_id = %(tenant_id)s AND (i.email_hash = ANY (%(given)s) OR i.phone_hash = ANY (%(given)s))
) beside
WHERE hash IS NOT NULL
