-- Which of the given tables of schema trackai have outgrown their statistics: those made of a quarter of it, or never.
-- Without them the planner takes any index that begins with tenant and gateway for as good as the right one.
-- On one page no plan is bad. Index: pg_class by name and schema. Reads no table.
SELECT c.relname
FROM pg_catalog.pg_class c
WHERE c.relnamespace = 'trackai'::regnamespace
  AND c.relname = ANY (%(tables)s::text[])
  AND c.relkind = 'r'
  AND pg_relation_size(c.oid) / current_setting('block_size')::bigint > greatest(1, 4 * c.relpages)
ORDER BY c.relname
