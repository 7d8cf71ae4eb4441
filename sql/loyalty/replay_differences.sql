-- Where the events of a course between two days are not those that are recorded. Index: the primary key.
WITH recorded AS (
    SELECT c.user_id, c.checkpoint_date, c.status, c.tier_before, c.tier_after, c.period_start_date, c.period_end_date,
           c.sales_in_period, c.sales_required, c.units_in_period, c.units_required, c.climbed_in_period, c.ledger_upto
    FROM {creators} m
    JOIN trackai.tier_checkpoints c ON c.tenant_id = %(tenant_id)s AND c.user_id = m.user_id
    WHERE c.checkpoint_date BETWEEN %(from_day)s AND %(to_day)s
),
played AS (
    SELECT p.user_id, p.checkpoint_date, p.status, p.tier_before, p.tier_after, p.period_start_date, p.period_end_date,
           p.sales_in_period, p.sales_required, p.units_in_period, p.units_required, p.climbed_in_period, p.ledger_upto
    FROM {events} p
    WHERE p.checkpoint_date BETWEEN %(from_day)s AND %(to_day)s
)
SELECT coalesce(r.user_id, p.user_id) AS user_id, coalesce(r.checkpoint_date, p.checkpoint_date) AS day,
       r.status AS recorded_status, r.tier_after AS recorded_tier, p.status, p.tier_after AS tier
FROM recorded r
FULL JOIN played p ON p.user_id = r.user_id AND p.checkpoint_date = r.checkpoint_date
WHERE (r.*) IS DISTINCT FROM (p.*)
ORDER BY user_id, day
