-- Withdraws promises of %(name)s. Index: leases' primary key. Guarantees: a promise that was taken meanwhile stays.
DELETE FROM trackai.leases WHERE name = %(name)s AND holder = ANY (%(holders)s::text[]) AND taken_at IS NULL
