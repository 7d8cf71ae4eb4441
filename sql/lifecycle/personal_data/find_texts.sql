-- The rows of {table} of a tenant, or of none, with the texts that may quote a person.
-- Index: none; the table is read whole. For the refused records that is a month of them.
SELECT t.{key}, {texts} FROM {table} t WHERE (t.tenant_id = %(tenant_id)s OR t.tenant_id IS NULL)
