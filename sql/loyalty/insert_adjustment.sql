-- Inserts an adjustment and returns its number; no row where its external id is there. Index: the unique key.
INSERT INTO trackai.sales_adjustments
    (tenant_id, external_id, user_id, amount, amount_units, currency, reason, adjustment_type, effective_on, adjusted_by, created_at)
VALUES (%(tenant_id)s, %(external_id)s, %(user_id)s, %(amount)s, %(units)s, %(currency)s, %(reason)s, %(adjustment_type)s,
        %(effective_on)s, %(by)s, %(now)s)
ON CONFLICT (tenant_id, external_id) DO NOTHING
RETURNING id
