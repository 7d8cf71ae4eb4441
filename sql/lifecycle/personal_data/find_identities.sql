-- The identities of a tenant that carry one of the hashes, and their clicks; `named` as in find_conversions.
-- Indexes: identities_by_email, identities_by_phone.
SELECT i.id,
       coalesce(i.email_hash = ANY (%(given)s) OR i.phone_hash = ANY (%(given)s), false) AS named,
       i.click_id,
       i.click_external_id
FROM trackai.identities i
WHERE i.tenant_id = %(tenant_id)s AND (i.email_hash = ANY (%(hashes)s) OR i.phone_hash = ANY (%(hashes)s))
