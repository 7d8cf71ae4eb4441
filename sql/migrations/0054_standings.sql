-- Where creators stand, and entries that came too late for their window.

-- Who sold on a day.
CREATE INDEX creator_sales_daily_by_day ON trackai.creator_sales_daily (tenant_id, sale_day);

CREATE VIEW trackai.creator_standing AS
SELECT m.tenant_id, m.user_id, e.day AS evaluated_day,
       m.current_tier, held.tier_name, m.tier_achieved_at, m.anchor_day, m.window_start, m.window_end, m.in_grace,
       ends.day AS checkpoint_on, ends.day - e.day AS days_left,
       s.sales, s.units, s.climbed_sales, s.climbed_units, s.other_sales,
       held.needed AS required,
       CASE WHEN held.checkpoint_exempt OR ends.day IS NULL THEN 0 ELSE greatest(0, held.needed - s.kept) END AS missing_to_keep,
       next.tier_id AS next_tier, next.tier_name AS next_tier_name, next.needed AS next_tier_threshold,
       greatest(0, next.needed - s.climbed) AS missing_to_climb,
       CASE
           WHEN ends.day IS NULL OR held.checkpoint_exempt OR s.kept >= held.needed THEN m.current_tier
           ELSE coalesce(below.tier_id, m.current_tier)
       END AS projected_tier_at_checkpoint
FROM trackai.loyalty_members m
CROSS JOIN LATERAL (
    SELECT v.day FROM trackai.tier_evaluations v WHERE v.tenant_id = m.tenant_id ORDER BY v.day DESC LIMIT 1
) AS e
CROSS JOIN LATERAL (
    SELECT p.vip_metric, p.currency, p.checkpoint_months, p.grace_days, p.demote_to
    FROM trackai.loyalty_programs p
    WHERE p.tenant_id = m.tenant_id AND p.valid_from <= e.day
    ORDER BY p.valid_from DESC
    LIMIT 1
) AS p
CROSS JOIN LATERAL (SELECT m.window_end + CASE WHEN m.in_grace THEN p.grace_days ELSE 0 END AS day) AS ends
CROSS JOIN LATERAL (
    SELECT t.tier_name, t.tier_order, t.checkpoint_exempt,
           CASE p.vip_metric WHEN 'units' THEN t.units_threshold ELSE t.sales_threshold END AS needed
    FROM trackai.tiers t
    WHERE t.tenant_id = m.tenant_id AND t.tier_id = m.current_tier AND t.valid_from <= e.day
    ORDER BY t.valid_from DESC
    LIMIT 1
) AS held
CROSS JOIN LATERAL (
    SELECT sums.sales, sums.units, sums.climbed_sales, sums.climbed_units, sums.other_sales,
           CASE p.vip_metric WHEN 'units' THEN sums.units ELSE sums.sales END AS kept,
           CASE p.vip_metric WHEN 'units' THEN sums.climbed_units ELSE sums.climbed_sales END AS climbed
    FROM (
        SELECT coalesce(sum(d.amount) FILTER (WHERE d.currency = p.currency AND d.sale_day >= m.window_start), 0) AS sales,
               coalesce(sum(d.units) FILTER (WHERE d.sale_day >= m.window_start), 0)::bigint AS units,
               coalesce(sum(d.amount) FILTER (WHERE d.currency = p.currency AND d.sale_day >= c.climb_from), 0) AS climbed_sales,
               coalesce(sum(d.units) FILTER (WHERE d.sale_day >= c.climb_from), 0)::bigint AS climbed_units,
               count(*) FILTER (WHERE d.currency <> p.currency AND d.sale_day >= m.window_start) AS other_sales
        FROM (
            SELECT greatest(m.climb_start, (e.day - make_interval(months => p.checkpoint_months::int))::date) AS climb_from
        ) AS c
        LEFT JOIN trackai.creator_sales_daily d
            ON d.tenant_id = m.tenant_id
           AND (d.user_id, d.sale_day) >= (m.user_id, least(m.window_start, c.climb_from))
           AND (d.user_id, d.sale_day) < (m.user_id, e.day)
    ) AS sums
) AS s
LEFT JOIN LATERAL (
    SELECT t.tier_id, t.tier_name, t.needed
    FROM (
        SELECT DISTINCT ON (t.tier_id) t.tier_id, t.tier_name, t.tier_order,
               CASE p.vip_metric WHEN 'units' THEN t.units_threshold ELSE t.sales_threshold END AS needed
        FROM trackai.tiers t
        WHERE t.tenant_id = m.tenant_id AND t.valid_from <= e.day
        ORDER BY t.tier_id, t.valid_from DESC
    ) AS t
    WHERE t.tier_order > held.tier_order
    ORDER BY t.tier_order
    LIMIT 1
) AS next ON true
LEFT JOIN LATERAL (
    SELECT t.tier_id
    FROM (
        SELECT DISTINCT ON (t.tier_id) t.tier_id, t.tier_order,
               CASE p.vip_metric WHEN 'units' THEN t.units_threshold ELSE t.sales_threshold END AS needed
        FROM trackai.tiers t
        WHERE t.tenant_id = m.tenant_id AND t.valid_from <= e.day
        ORDER BY t.tier_id, t.valid_from DESC
    ) AS t
    WHERE t.tier_order < held.tier_order
    -- The highest that is reached, or the lowest; one step is the next lower one.
    ORDER BY p.demote_to <> 'one_step' AND t.needed > s.kept,
             CASE WHEN p.demote_to <> 'one_step' AND t.needed > s.kept THEN t.tier_order ELSE -t.tier_order END
    LIMIT 1
) AS below ON true;
COMMENT ON VIEW trackai.creator_standing IS 'Where each creator stands after the last evaluated day: the tier, the window, and what is missing to keep it or to climb.';
COMMENT ON COLUMN trackai.creator_standing.tenant_id IS 'whose creator it is';
COMMENT ON COLUMN trackai.creator_standing.user_id IS 'the creator (users.id)';
COMMENT ON COLUMN trackai.creator_standing.evaluated_day IS 'the program''s last evaluated day; sums are of the days before';
COMMENT ON COLUMN trackai.creator_standing.current_tier IS 'tier (tiers.tier_id)';
COMMENT ON COLUMN trackai.creator_standing.tier_name IS 'its name';
COMMENT ON COLUMN trackai.creator_standing.tier_achieved_at IS 'first moment of the day from which windows are counted';
COMMENT ON COLUMN trackai.creator_standing.anchor_day IS 'that day';
COMMENT ON COLUMN trackai.creator_standing.window_start IS 'first day of the open window';
COMMENT ON COLUMN trackai.creator_standing.window_end IS 'first day after it; NULL: it does not end';
COMMENT ON COLUMN trackai.creator_standing.in_grace IS 'whether the window goes on after its end';
COMMENT ON COLUMN trackai.creator_standing.checkpoint_on IS 'day of the next checkpoint, or the end of grace; NULL: there is none';
COMMENT ON COLUMN trackai.creator_standing.days_left IS 'days until then';
COMMENT ON COLUMN trackai.creator_standing.sales IS 'sales in the window, in the program''s currency';
COMMENT ON COLUMN trackai.creator_standing.units IS 'units in the window';
COMMENT ON COLUMN trackai.creator_standing.climbed_sales IS 'sales that count towards a higher tier';
COMMENT ON COLUMN trackai.creator_standing.climbed_units IS 'units that count towards a higher tier';
COMMENT ON COLUMN trackai.creator_standing.other_sales IS 'days and sources in the window with sales in another currency, which do not count';
COMMENT ON COLUMN trackai.creator_standing.required IS 'what keeps the tier, in sales or units as the program counts';
COMMENT ON COLUMN trackai.creator_standing.missing_to_keep IS 'what is missing for that; 0: nothing';
COMMENT ON COLUMN trackai.creator_standing.next_tier IS 'the next higher tier; NULL: there is none';
COMMENT ON COLUMN trackai.creator_standing.next_tier_name IS 'its name';
COMMENT ON COLUMN trackai.creator_standing.next_tier_threshold IS 'what reaches it, in sales or units as the program counts';
COMMENT ON COLUMN trackai.creator_standing.missing_to_climb IS 'what is missing for that';
COMMENT ON COLUMN trackai.creator_standing.projected_tier_at_checkpoint IS 'the tier after the next checkpoint, should nothing more be sold';

CREATE VIEW trackai.late_entries AS
SELECT l.tenant_id, l.user_id, l.source, l.source_ref, l.revision, l.posting_no, l.recorded_at, l.sale_day, l.amount, l.units,
       l.currency, w.checkpoint_date, w.period_start_date, w.period_end_date, w.status,
       w.tier_after AS recorded_tier, w.sales_in_period, w.units_in_period, known.sales_known_now, known.units_known_now,
       c.checkpoint_date AS corrected_on, c.tier_after AS corrected_tier
FROM trackai.tier_checkpoints w
JOIN trackai.sales_ledger l
    ON l.tenant_id = w.tenant_id AND l.user_id = w.user_id
   AND l.sale_day >= w.period_start_date AND l.sale_day < w.period_end_date AND l.posting_no > w.ledger_upto
CROSS JOIN LATERAL (
    SELECT p.currency
    FROM trackai.loyalty_programs p
    WHERE p.tenant_id = w.tenant_id AND p.valid_from <= w.checkpoint_date
    ORDER BY p.valid_from DESC
    LIMIT 1
) AS p
CROSS JOIN LATERAL (
    SELECT coalesce(sum(k.amount) FILTER (WHERE k.currency = p.currency), 0) AS sales_known_now,
           coalesce(sum(k.units), 0)::bigint AS units_known_now
    FROM trackai.sales_ledger k
    WHERE k.tenant_id = w.tenant_id AND k.user_id = w.user_id
      AND k.sale_day >= w.period_start_date AND k.sale_day < w.period_end_date
) AS known
LEFT JOIN LATERAL (
    SELECT v.day
    FROM trackai.tier_evaluations v
    WHERE v.tenant_id = l.tenant_id AND v.day > w.checkpoint_date AND v.ledger_upto >= l.posting_no
    ORDER BY v.day
    LIMIT 1
) AS seen ON true
LEFT JOIN trackai.tier_checkpoints c
    ON c.tenant_id = l.tenant_id AND c.user_id = l.user_id AND c.checkpoint_date = seen.day AND c.status = 'corrected';
COMMENT ON VIEW trackai.late_entries IS 'Entries of the ledger that are dated in a window that was closed without them.';
COMMENT ON COLUMN trackai.late_entries.tenant_id IS 'whose creator it is';
COMMENT ON COLUMN trackai.late_entries.user_id IS 'the creator (users.id)';
COMMENT ON COLUMN trackai.late_entries.source IS 'conversion, csv, adjustment or refund';
COMMENT ON COLUMN trackai.late_entries.source_ref IS 'what the entry is of (sales_ledger.source_ref)';
COMMENT ON COLUMN trackai.late_entries.revision IS 'revision of the entry';
COMMENT ON COLUMN trackai.late_entries.posting_no IS 'the posting that brought it';
COMMENT ON COLUMN trackai.late_entries.recorded_at IS 'when it was posted';
COMMENT ON COLUMN trackai.late_entries.sale_day IS 'local day that it is dated';
COMMENT ON COLUMN trackai.late_entries.amount IS 'signed amount';
COMMENT ON COLUMN trackai.late_entries.units IS 'signed units';
COMMENT ON COLUMN trackai.late_entries.currency IS 'ISO 4217 code of the amount';
COMMENT ON COLUMN trackai.late_entries.checkpoint_date IS 'the day that closed the window';
COMMENT ON COLUMN trackai.late_entries.period_start_date IS 'first day of the window';
COMMENT ON COLUMN trackai.late_entries.period_end_date IS 'first day after it';
COMMENT ON COLUMN trackai.late_entries.status IS 'how the window was closed';
COMMENT ON COLUMN trackai.late_entries.recorded_tier IS 'tier after it, which stays recorded';
COMMENT ON COLUMN trackai.late_entries.sales_in_period IS 'sales of the window as known then';
COMMENT ON COLUMN trackai.late_entries.units_in_period IS 'units of the window as known then';
COMMENT ON COLUMN trackai.late_entries.sales_known_now IS 'sales of the window as known now';
COMMENT ON COLUMN trackai.late_entries.units_known_now IS 'units of the window as known now';
COMMENT ON COLUMN trackai.late_entries.corrected_on IS 'day on which the entry corrected the tier; NULL: it did not';
COMMENT ON COLUMN trackai.late_entries.corrected_tier IS 'tier after that';
