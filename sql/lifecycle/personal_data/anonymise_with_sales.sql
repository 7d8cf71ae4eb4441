-- Takes personal fields away from rows of {table} that belong to sales that are anonymised in the same transaction.
-- Index: the table's index by tenant and conversion.
UPDATE {table} t
SET {changes}
FROM unnest(%(tenant_ids)s::text[], %(ids)s::bigint[]) AS taken (tenant_id, id)
WHERE t.tenant_id = taken.tenant_id AND t.{conversion} = taken.id AND num_nonnulls({columns}) > 0
