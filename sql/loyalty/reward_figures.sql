-- What evaluations and claims made of rewards on the days %(days)s, a row each: missions completed, claims of the UTC day,
-- boosts that began and ended, and what is to be paid for those that ended.
-- Index: none. Missions and redemptions are read once, however many days are asked for.
WITH day AS (
    SELECT d.day FROM unnest(%(days)s::date[]) AS d (day)
),
mission AS (
    SELECT p.completed_on AS day, count(*) AS completed
    FROM trackai.mission_progress p
    WHERE p.completed_on = ANY (%(days)s)
    GROUP BY p.completed_on
),
claim AS (
    SELECT (d.claimed_at AT TIME ZONE 'UTC')::date AS day, count(*) AS claimed
    FROM trackai.redemptions d
    WHERE d.claimed_at >= (SELECT min(x.day) FROM day x)::timestamp AT TIME ZONE 'UTC'
    GROUP BY 1
),
boost AS (
    SELECT b.day, count(*) FILTER (WHERE b.begins) AS activated, count(*) FILTER (WHERE NOT b.begins) AS expired,
           coalesce(sum(b.commission) FILTER (WHERE NOT b.begins), 0) AS commission
    FROM (
        SELECT b.scheduled_activation_date AS day, true AS begins, NULL::numeric AS commission
        FROM trackai.commission_boost_redemptions b
        WHERE b.boost_status <> 'cancelled'
        UNION ALL
        SELECT b.scheduled_activation_date + b.duration_days, false, b.calculated_commission
        FROM trackai.commission_boost_redemptions b
        WHERE b.boost_status <> 'cancelled'
    ) b
    GROUP BY b.day
)
SELECT d.day, coalesce(m.completed, 0) AS completed, coalesce(c.claimed, 0) AS claimed,
       coalesce(b.activated, 0) AS activated, coalesce(b.expired, 0) AS expired, coalesce(b.commission, 0) AS commission
FROM day d
LEFT JOIN mission m ON m.day = d.day
LEFT JOIN claim c ON c.day = d.day
LEFT JOIN boost b ON b.day = d.day
ORDER BY d.day
