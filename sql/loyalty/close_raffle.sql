-- Closes a raffle, with the digest of its entries. Index: the key of raffle_draws.
UPDATE trackai.raffle_draws
SET entries_digest = %(digest)s, entries = %(entries)s, closed_at = %(now)s, updated_at = %(now)s
WHERE tenant_id = %(tenant_id)s AND mission_id = %(mission_id)s AND closed_at IS NULL
