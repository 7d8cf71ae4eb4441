-- Writes down that a plan has been carried out, and forgets plans that are older than %(forget_before)s, with their steps.
-- Index: the primary key of retention_plans; one row a run, so the old ones are found by reading all.
WITH forgotten AS (
    DELETE FROM trackai.retention_plans WHERE made_at < %(forget_before)s
)
UPDATE trackai.retention_plans SET finished_at = %(now)s WHERE id = %(id)s
