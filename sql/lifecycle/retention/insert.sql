-- Stores a plan and answers with its id.
INSERT INTO trackai.retention_plans (day, dry_run, made_at)
VALUES (%(day)s, %(dry_run)s, %(made_at)s)
RETURNING id
