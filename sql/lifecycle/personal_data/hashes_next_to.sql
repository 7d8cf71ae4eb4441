-- The hashes that stand next to one of the hashes %(given)s in a table's rows of a tenant: the phone of the same person.
-- Nobody's hash is none: it stands next to many people's.
-- Indexes: the table's index by each hash.
SELECT DISTINCT next_to.hash
FROM {table} t
CROSS JOIN LATERAL (VALUES (t.{email_hash}), (t.{phone_hash})) AS next_to (hash)
WHERE t.tenant_id = %(tenant_id)s
  AND (t.{email_hash} = ANY (%(given)s) OR t.{phone_hash} = ANY (%(given)s))
  AND trackai.contact_hash(next_to.hash) IS NOT NULL
