-- UTC days from %(first)s to %(last)s on which redemptions ended that must stay: those of a limited stock, which are what its
-- counter counts, and those of a reward that creators can claim once and that is still enabled.
-- Index: redemptions_by_day.
SELECT DISTINCT (d.ended_at AT TIME ZONE 'UTC')::date AS day
FROM trackai.redemptions d
JOIN trackai.rewards r ON r.tenant_id = d.tenant_id AND r.reward_id = d.reward_id
WHERE d.ended_at >= %(first)s::date::timestamp AT TIME ZONE 'UTC'
  AND d.ended_at < (%(last)s::date + 1)::timestamp AT TIME ZONE 'UTC'
  AND (r.stock_total IS NOT NULL OR (r.enabled AND r.redemption_frequency = 'one-time'))
