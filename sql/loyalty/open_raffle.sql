-- Publishes the commitment of a raffle and lets creators in; no row where it was opened before. Index: the keys of
-- raffle_draws and missions.
WITH opened AS (
    INSERT INTO trackai.raffle_draws
        (tenant_id, mission_id, seed_commitment, committed_at, entropy_source, created_at, updated_at)
    VALUES (%(tenant_id)s, %(mission_id)s, %(commitment)s, %(now)s, %(entropy_source)s, %(now)s, %(now)s)
    ON CONFLICT (tenant_id, mission_id) DO NOTHING
    RETURNING tenant_id, mission_id
)
UPDATE trackai.missions i
SET activated = true, updated_at = %(now)s
FROM opened o
WHERE i.tenant_id = o.tenant_id AND i.mission_id = o.mission_id
RETURNING i.mission_id
