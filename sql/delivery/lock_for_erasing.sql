-- Keeps the tenant's events where they are until the transaction ends: a worker waits for this row before it takes
-- any. Returns whether a worker holds the tenant, whose request may be on its way; a hold that has lapsed is taken away, as
-- the next worker would. Index: dispatch_circuits' primary key.
INSERT INTO trackai.dispatch_circuits AS c (tenant_id)
VALUES (%(tenant_id)s)
ON CONFLICT (tenant_id) DO UPDATE
SET held_by = CASE WHEN c.held_until > now() THEN c.held_by END,
    held_until = CASE WHEN c.held_until > now() THEN c.held_until END
RETURNING c.held_by IS NOT NULL
