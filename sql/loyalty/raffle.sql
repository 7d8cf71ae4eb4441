-- A raffle with what it has published, and the local day that it is. Indexes: the keys of missions, raffle_draws and
-- loyalty_programs.
SELECT i.mission_id, i.raffle_end_date, i.winners, i.tier_eligibility, i.enabled, i.reward_id, d.seed_commitment,
       d.entropy_source, d.entries_digest, d.entries, d.closed_at, d.public_entropy, d.seed, d.drawn_at, p.day
FROM trackai.missions i
LEFT JOIN trackai.raffle_draws d ON d.tenant_id = i.tenant_id AND d.mission_id = i.mission_id
LEFT JOIN LATERAL (
    SELECT l.day
    FROM trackai.loyalty_programs p
    CROSS JOIN LATERAL (SELECT (%(now)s::timestamptz AT TIME ZONE p.time_zone)::date AS day) l
    WHERE p.tenant_id = i.tenant_id AND p.valid_from <= l.day
    ORDER BY p.valid_from DESC
    LIMIT 1
) p ON true
WHERE i.tenant_id = %(tenant_id)s AND i.mission_id = %(mission_id)s AND i.mission_type = 'raffle'
