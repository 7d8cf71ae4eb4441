-- Raffles that do not come out again from what they published: commitment, digest of the entries, scores, winners.
-- Index: the key of raffle_participations; one raffle after the other.
WITH entry AS MATERIALIZED (
    SELECT e.tenant_id, e.mission_id, e.user_id, e.score, e.is_winner, e.redemption_id, d.drawn_at, i.winners,
           CASE WHEN d.drawn_at IS NOT NULL THEN trackai.raffle_score(
               d.seed, d.tenant_id, d.mission_id, d.entries_digest, d.public_entropy, e.user_id
           ) END AS score_again
    FROM trackai.raffle_draws d
    JOIN trackai.missions i ON i.tenant_id = d.tenant_id AND i.mission_id = d.mission_id
    JOIN trackai.raffle_participations e ON e.tenant_id = d.tenant_id AND e.mission_id = d.mission_id
    WHERE d.closed_at IS NOT NULL
),
ranked AS (
    SELECT e.*, row_number() OVER (PARTITION BY e.tenant_id, e.mission_id ORDER BY e.score_again, e.user_id) AS place
    FROM entry e
),
drawn AS MATERIALIZED (
    SELECT r.tenant_id, r.mission_id, count(*) AS entries,
           encode(sha256(convert_to(string_agg(r.user_id || E'\n', '' ORDER BY r.user_id), 'UTF8')), 'hex') AS digest,
           count(*) FILTER (WHERE r.score IS DISTINCT FROM r.score_again) AS other_scores,
           count(*) FILTER (
               WHERE r.drawn_at IS NOT NULL AND r.is_winner IS DISTINCT FROM (r.place <= r.winners)
           ) AS other_winners
    FROM ranked r
    GROUP BY r.tenant_id, r.mission_id
)
SELECT t.slug AS tenant, d.mission_id, f.fault
FROM trackai.raffle_draws d
JOIN trackai.tenants t ON t.id = d.tenant_id
LEFT JOIN drawn w ON w.tenant_id = d.tenant_id AND w.mission_id = d.mission_id
CROSS JOIN LATERAL (
    SELECT 'the seed is not the one that was committed to' AS fault
    WHERE d.seed IS NOT NULL AND encode(sha256(decode(d.seed, 'hex')), 'hex') <> d.seed_commitment
    UNION ALL
    SELECT 'the entries are not those that were closed'
    WHERE d.closed_at IS NOT NULL
      AND (coalesce(w.entries, 0) <> d.entries OR coalesce(w.digest, encode(sha256(''), 'hex')) <> d.entries_digest)
    UNION ALL
    SELECT w.other_scores || ' scores are others' WHERE w.other_scores > 0
    UNION ALL
    SELECT w.other_winners || ' creators are winners who did not win, or the reverse' WHERE w.other_winners > 0
) f
ORDER BY t.slug, d.mission_id
