-- Writes what came of a recommendation. Index: the primary key.
UPDATE trackai.campaign_optimizations o
SET measured_uplift_percent = %(uplift)s::numeric(12, 4), updated_at = %(now)s
WHERE o.tenant_id = %(tenant_id)s AND o.id = %(id)s
