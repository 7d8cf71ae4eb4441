-- Takes promises of %(name)s back. Index: leases' primary key. Guarantees: one that was taken meanwhile stays.
DELETE FROM trackai.leases WHERE name = %(name)s AND holder = ANY (%(holders)s::text[]) AND taken_at IS NULL
