-- Reveals the seed and the public value of a draw. Index: the key of raffle_draws.
UPDATE trackai.raffle_draws
SET seed = %(seed)s, public_entropy = %(public_entropy)s, drawn_at = %(now)s, drawn_by = %(by)s, updated_at = %(now)s
WHERE tenant_id = %(tenant_id)s AND mission_id = %(mission_id)s AND drawn_at IS NULL
