-- Puts the creators of a draft back to before their first evaluation. Index: the primary key, by tenant.
UPDATE trackai.loyalty_members
SET current_tier = NULL, tier_achieved_at = NULL, next_checkpoint_at = NULL, anchor_day = NULL, checkpoint_no = 0,
    window_start = NULL, window_end = NULL, climb_start = NULL, in_grace = false, evaluated_day = NULL,
    checkpoint_sales_current = 0, checkpoint_units_current = 0, updated_at = %(now)s
WHERE tenant_id = %(tenant_id)s
