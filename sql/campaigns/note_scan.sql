-- Notes that the days which facts of a tenant changed before %(now)s have been computed. A later scan stands.
-- Index: campaign_scans' primary key.
INSERT INTO trackai.campaign_scans AS s (tenant_id, scanned_to)
VALUES (%(tenant_id)s, %(now)s)
ON CONFLICT (tenant_id) DO UPDATE SET scanned_to = greatest(s.scanned_to, excluded.scanned_to)
