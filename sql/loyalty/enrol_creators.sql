-- Enrols the creators who begin on a day, or began before the first day that is not evaluated: the lowest tier, and a window
-- from the day on. Returns how many. Index: none; the creators of the tenant are read once.
WITH enrolled AS (
    UPDATE {creators} c
    SET enrolled_on = %(day)s::date, current_tier = %(lowest_tier)s, anchor_day = %(day)s::date, checkpoint_no = 0,
        window_start = %(day)s::date, window_end = (%(day)s::date + make_interval(months => %(months)s::int))::date,
        climb_start = %(day)s::date, in_grace = false,
        tier_achieved_at = %(day)s::date::timestamp AT TIME ZONE %(time_zone)s,
        next_checkpoint_at = (%(day)s::date + make_interval(months => %(months)s::int))::date::timestamp
            AT TIME ZONE %(time_zone)s,
        checkpoint_sales_current = 0, checkpoint_units_current = 0, evaluated_day = %(day)s::date,
        checkpoint_progress_updated_at = %(now)s, updated_at = %(now)s
    WHERE c.tenant_id = %(tenant_id)s AND c.current_tier IS NULL AND c.enrolled_on <= %(day)s::date
      AND (c.left_on IS NULL OR c.left_on > %(day)s::date)
    RETURNING c.user_id
),
events AS (
    INSERT INTO {events} (tenant_id, user_id, checkpoint_date, tier_after, status, ledger_upto, created_at)
    SELECT %(tenant_id)s, e.user_id, %(day)s::date, %(lowest_tier)s, 'enrolled', %(ledger_upto)s, %(now)s
    FROM enrolled e
    RETURNING 1
)
SELECT count(*) FROM events
