-- Keeps promises of %(name)s whose residents are being started: they lapse %(start)s seconds from now. Index: leases'
-- primary key. Guarantees: a promise that was taken meanwhile is left alone.
UPDATE trackai.leases
SET expires_at = now() + make_interval(secs => %(start)s),
    leaves_at = now() + make_interval(secs => %(start)s + %(life)s)
WHERE name = %(name)s AND holder = ANY (%(holders)s::text[]) AND taken_at IS NULL
