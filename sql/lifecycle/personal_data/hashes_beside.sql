-- The hashes that stand next to one of the hashes %(given)s in a table's rows of a tenant: the phone of the same person.
-- Indexes: the table's index by each hash.
SELECT DISTINCT beside.hash
FROM {table} t
CROSS JOIN LATERAL (VALUES (t.{email_hash}), (t.{phone_hash})) AS beside (hash)
WHERE t.tenant_id = %(tenant_id)s
  AND (t.{email_hash} = ANY (%(given)s) OR t.{phone_hash} = ANY (%(given)s))
  AND beside.hash IS NOT NULL
