-- Returns of each of a tenant's tests when its users could be assigned and, where it was computed before, up to what
-- arrival and day, with what design, and whether a person was erased since; and when the oldest transaction began that is
-- under way: its rows may say that they arrived then. Autovacuum brings no rows, so it holds no scan back. Indexes: the
-- keys; tests are few.
SELECT p.test_id, p.period::text, s.scanned_to, s.computed_to, s.design,
       EXISTS (
           SELECT FROM trackai.erasures e WHERE e.tenant_id = p.tenant_id AND e.erased_at >= s.scanned_to
       ) AS erased,
       (
           SELECT min(a.xact_start)
           FROM pg_catalog.pg_stat_activity a
           WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()
             AND a.backend_type <> 'autovacuum worker'
       ) AS begun
FROM trackai.v_ab_test_periods p
LEFT JOIN trackai.ab_test_scans s ON s.tenant_id = p.tenant_id AND s.test_id = p.test_id
WHERE p.tenant_id = %(tenant_id)s AND p.test_id = ANY(%(test_ids)s::bigint[])
