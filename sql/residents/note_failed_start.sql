-- Withdraws promises of %(name)s whose starts failed, and puts the next start off: %(first)s seconds after the first
-- failure, twice as long after each further one, %(longest)s at most, less up to a quarter at random, so that machines
-- that fail together do not try together. Index: the primary keys of leases and failed_starts. Guarantees: however many
-- starts failed at once, it is one failure; a promise that was taken meanwhile is none.
WITH failed AS (
    DELETE FROM trackai.leases
    WHERE name = %(name)s AND holder = ANY (%(holders)s::text[]) AND taken_at IS NULL
    RETURNING holder
)
INSERT INTO trackai.failed_starts AS f (name, failures, next_at)
SELECT %(name)s, 1, now() + make_interval(secs => %(first)s * (1 - random() / 4))
WHERE EXISTS (SELECT 1 FROM failed)
ON CONFLICT (name) DO UPDATE
SET failures = f.failures + 1,
    next_at = now() + make_interval(
        secs => least(%(longest)s, %(first)s * 2.0 ^ least(f.failures, 30)) * (1 - random() / 4)
    )
