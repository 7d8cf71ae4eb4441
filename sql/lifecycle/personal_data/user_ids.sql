-- The ids of a tenant's users that a table with hashes and user ids has for the hashes %(hashes)s.
-- Index: the table's index by each hash.
SELECT DISTINCT t.{user_id} FROM {table} t WHERE t.tenant_id = %(tenant_id)s AND ({hashed}) AND t.{user_id} IS NOT NULL
