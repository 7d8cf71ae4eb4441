-- Sets what a session of ours works with, and returns whether a pooler stands in between: it answers for the server with a
-- process number %(pid)s of its own. Index: none.
-- Guarantees: through a pooler, which hands the server's session to others, only those settings stay that it gives back to
-- each client (`kept`); the others end with this statement.
SELECT pg_backend_pid() <> %(pid)s::bigint AS pooled,
       set_config(s.name, s.value, pg_backend_pid() <> %(pid)s::bigint AND NOT s.kept)
FROM unnest(%(names)s::text[], %(values)s::text[], %(kept)s::boolean[]) AS s (name, value, kept)
