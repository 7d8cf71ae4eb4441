-- What the commission rates of the tiers held on the days of the sales make of the sales of a course between two days, in
-- the currency of the program on the last one. Indexes: the primary keys of programs and tiers.
SELECT coalesce(sum(d.amount * r.commission_rate / 100), 0)
FROM {sales} d
CROSS JOIN LATERAL (
    SELECT p.currency FROM trackai.loyalty_programs p
    WHERE p.tenant_id = %(tenant_id)s AND p.valid_from <= %(to_day)s
    ORDER BY p.valid_from DESC
    LIMIT 1
) AS p
CROSS JOIN LATERAL (
    SELECT v.tier_after FROM {events} v
    WHERE v.user_id = d.user_id AND v.checkpoint_date <= d.sale_day
    ORDER BY v.checkpoint_date DESC
    LIMIT 1
) AS held
CROSS JOIN LATERAL (
    SELECT t.commission_rate FROM trackai.tiers t
    WHERE t.tenant_id = %(tenant_id)s AND t.tier_id = held.tier_after AND t.valid_from <= d.sale_day
    ORDER BY t.valid_from DESC
    LIMIT 1
) AS r
WHERE d.sale_day >= %(from_day)s AND d.sale_day < %(to_day)s AND d.currency = p.currency
