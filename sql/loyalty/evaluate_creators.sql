-- Evaluates a day: what becomes of creators whose tier, window or sums can differ from those of the day before. Inserts the
-- events, writes the creators that changed, and returns how many events there are of each kind. Creators and events are
-- the program's own tables, or those of a course that is played again; what is composed in says who is looked at.
-- The first rule that applies holds: an override, a correction, a climb, the end of a window. Amounts are compared without
-- rounding; everything is a day, so the session's time zone changes nothing.
-- Indexes: the primary keys of the creators and of their sales, by tenant and user.
WITH tiers AS MATERIALIZED (
    SELECT t.tier_id, t.tier_order, t.sales_threshold, t.units_threshold, t.needed, t.exempt,
           lead(t.needed) OVER (ORDER BY t.tier_order) AS next_needed,
           t.tier_order = min(t.tier_order) OVER () AS lowest
    FROM unnest(
        %(tier_ids)s::text[], %(tier_orders)s::int[], %(sales_thresholds)s::numeric[], %(units_thresholds)s::bigint[],
        %(needed)s::numeric[], %(exempt)s::bool[]
    ) AS t (tier_id, tier_order, sales_threshold, units_threshold, needed, exempt)
),
chosen AS (
    SELECT c.user_id, c.current_tier, c.anchor_day, c.checkpoint_no, c.window_start, c.window_end, c.climb_start, c.in_grace,
           c.checkpoint_sales_current, c.checkpoint_units_current,
           greatest(c.climb_start, (%(day)s::date - make_interval(months => %(months)s::int))::date) AS climb_from
    FROM {creators} c
    WHERE c.tenant_id = %(tenant_id)s AND c.window_start < %(day)s::date
      AND (c.left_on IS NULL OR c.left_on > %(day)s::date) AND {chosen}
),
held AS (
    SELECT c.*, t.tier_order, t.sales_threshold, t.units_threshold, t.needed, t.exempt, t.lowest, t.next_needed,
           k.sales, k.units, CASE WHEN %(by_units)s THEN k.units ELSE k.sales END AS kept,
           CASE
               WHEN %(by_units)s THEN coalesce(CASE WHEN c.climb_from > c.window_start THEN s.later_units ELSE s.units END, 0)
               ELSE coalesce(CASE WHEN c.climb_from > c.window_start THEN s.later_sales ELSE s.sales END, 0)
           END AS climbed
    FROM chosen c
    JOIN tiers t ON t.tier_id = c.current_tier
    LEFT JOIN {sums} s ON s.user_id = c.user_id
    CROSS JOIN LATERAL (
        SELECT coalesce(CASE WHEN c.climb_from < c.window_start THEN s.later_sales ELSE s.sales END, 0) AS sales,
               coalesce(CASE WHEN c.climb_from < c.window_start THEN s.later_units ELSE s.units END, 0) AS units
    ) AS k
),
ruled AS (
    SELECT h.*, coalesce(o.tier_id, k.tier_id) AS given_tier,
           CASE
               WHEN o.tier_id IS NOT NULL THEN 'manual'
               WHEN k.tier_id IS NOT NULL THEN 'corrected'
               WHEN h.climbed >= h.next_needed THEN 'promoted'
               WHEN h.window_end IS NULL OR h.window_end > %(day)s::date THEN NULL
               WHEN h.kept >= h.needed OR h.exempt OR h.lowest THEN 'maintained'
               WHEN h.window_end + %(grace_days)s::int <= %(day)s::date THEN 'demoted'
               WHEN NOT h.in_grace THEN 'grace'
           END AS status
    FROM held h
    LEFT JOIN unnest(%(set_users)s::text[], %(set_tiers)s::text[]) AS o (user_id, tier_id) ON o.user_id = h.user_id
    LEFT JOIN (
        SELECT u.user_id, t.tier_id, t.tier_order
        FROM unnest(%(corrected_users)s::text[], %(corrected_tiers)s::text[]) AS u (user_id, tier_id)
        JOIN tiers t ON t.tier_id = u.tier_id
    ) AS k ON k.user_id = h.user_id AND (k.tier_order > h.tier_order OR %(both_ways)s AND k.tier_order < h.tier_order)
),
outcomes AS MATERIALIZED (
    SELECT r.*,
           CASE r.status
               WHEN 'promoted' THEN (
                   SELECT t.tier_id FROM tiers t WHERE t.needed <= r.climbed ORDER BY t.tier_order DESC LIMIT 1
               )
               WHEN 'demoted' THEN (
                   SELECT t.tier_id
                   FROM tiers t
                   WHERE t.tier_order < r.tier_order AND (%(one_step)s OR t.needed <= r.kept OR t.lowest)
                   ORDER BY t.tier_order DESC
                   LIMIT 1
               )
               ELSE coalesce(r.given_tier, r.current_tier)
           END AS tier_after,
           r.status IN ('manual', 'corrected', 'promoted', 'demoted') OR r.status = 'maintained' AND (
               r.in_grace
               -- The bound of other months than those that the window began with: the next one is anchored at its start.
               OR (r.anchor_day + make_interval(months => (r.checkpoint_no + 1) * %(months)s::int))::date
                  IS DISTINCT FROM r.window_end
           ) AS anchors
    FROM ruled r
    -- Of the others nothing changes.
    WHERE r.status IS NOT NULL OR r.sales <> r.checkpoint_sales_current OR r.units <> r.checkpoint_units_current
),
events AS (
    INSERT INTO {events}
        (tenant_id, user_id, checkpoint_date, period_start_date, period_end_date, sales_in_period, sales_required,
         units_in_period, units_required, climbed_in_period, tier_before, tier_after, status, ledger_upto, created_at)
    SELECT %(tenant_id)s, o.user_id, %(day)s::date, o.window_start,
           CASE WHEN o.status <> 'grace' THEN %(day)s::date END,
           o.sales, o.sales_threshold, o.units, o.units_threshold, CASE WHEN o.status = 'promoted' THEN o.climbed END,
           o.current_tier, o.tier_after, o.status, %(ledger_upto)s, %(now)s
    FROM outcomes o
    WHERE o.status IS NOT NULL
),
written AS (
    UPDATE {creators} c
    SET current_tier = s.current_tier, anchor_day = s.anchor_day, checkpoint_no = s.checkpoint_no,
        window_start = s.window_start, window_end = s.window_end, climb_start = s.climb_start, in_grace = s.in_grace,
        tier_achieved_at = s.anchor_day::timestamp AT TIME ZONE %(time_zone)s,
        next_checkpoint_at = (s.window_end + CASE WHEN s.in_grace THEN %(grace_days)s::int ELSE 0 END)::timestamp
            AT TIME ZONE %(time_zone)s,
        checkpoint_sales_current = s.sales, checkpoint_units_current = s.units, evaluated_day = %(day)s::date,
        checkpoint_progress_updated_at = %(now)s, updated_at = %(now)s
    FROM (
        -- A window that was opened today has no sale yet; in one that goes on, the sums are those of the days before.
        SELECT o.user_id, o.tier_after AS current_tier,
               CASE WHEN o.anchors THEN %(day)s::date ELSE o.anchor_day END AS anchor_day,
               CASE WHEN o.anchors THEN 0 ELSE o.checkpoint_no + w.opens::int END AS checkpoint_no,
               CASE WHEN w.opens THEN %(day)s::date ELSE o.window_start END AS window_start,
               CASE
                   WHEN o.anchors THEN (%(day)s::date + make_interval(months => %(months)s::int))::date
                   WHEN w.opens THEN (o.anchor_day + make_interval(months => (o.checkpoint_no + 2) * %(months)s::int))::date
                   ELSE o.window_end
               END AS window_end,
               CASE WHEN w.opens AND o.status <> 'promoted' THEN %(day)s::date ELSE o.climb_start END AS climb_start,
               CASE WHEN w.opens THEN false ELSE o.in_grace OR o.status IS NOT NULL END AS in_grace,
               CASE WHEN w.opens THEN 0 ELSE o.sales END AS sales,
               CASE WHEN w.opens THEN 0 ELSE o.units END AS units
        FROM outcomes o
        CROSS JOIN LATERAL (SELECT coalesce(o.status <> 'grace', false) AS opens) AS w
    ) AS s
    WHERE c.tenant_id = %(tenant_id)s AND c.user_id = s.user_id
)
SELECT o.status, count(*) FROM outcomes o WHERE o.status IS NOT NULL GROUP BY o.status
