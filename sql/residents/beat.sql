-- Renews the lease of %(holder)s and returns its state: whether its life is over, whether it has lasted twice its life,
-- how many others last longer than a hand-over, and whether it is the eldest. No row means that the lease is gone.
-- Index: leases' primary key. An expired lease that was not replaced comes back to life.
WITH beaten AS (
    UPDATE trackai.leases
    SET expires_at = now() + make_interval(secs => %(expires)s)
    WHERE name = %(name)s AND holder = %(holder)s
    RETURNING taken_at, leaves_at
)
SELECT b.leaves_at <= now() AS due,
       b.leaves_at + (b.leaves_at - b.taken_at) <= now() AS overdue,
       count(other.holder) FILTER (
           WHERE other.leaves_at > now() + make_interval(secs => %(hand_over)s)
       ) AS lasting,
       count(other.holder) FILTER (
           WHERE (other.taken_at, other.holder) < (b.taken_at, %(holder)s)
       ) = 0 AS eldest
FROM beaten b
LEFT JOIN trackai.leases other
    ON other.name = %(name)s AND other.holder <> %(holder)s AND other.taken_at IS NOT NULL AND other.expires_at > now()
GROUP BY b.taken_at, b.leaves_at
