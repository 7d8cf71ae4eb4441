-- The newest plan that was to be carried out: of the newest day, and of that the last one made.
-- Index: the primary key of retention_plans; one row a run.
SELECT id, day, dry_run, made_at, finished_at
FROM trackai.retention_plans
WHERE NOT dry_run
ORDER BY day DESC, id DESC
LIMIT 1
