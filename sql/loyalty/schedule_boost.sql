-- Makes the boost of a claim, with its first transition; the account is that of the creator's last boost unless one is given.
-- No row where the creator has a boost that is scheduled or active.
-- Indexes: boosts_one_at_a_time, boosts_by_user. Guarantees: one boost at a time.
WITH known AS MATERIALIZED (
    SELECT b.payment_method, b.payment_account_ref
    FROM trackai.commission_boost_redemptions b
    WHERE b.tenant_id = %(tenant_id)s AND b.user_id = %(user_id)s AND b.payment_account_ref IS NOT NULL
    ORDER BY b.payment_info_collected_at DESC
    LIMIT 1
),
boost AS (
    INSERT INTO trackai.commission_boost_redemptions
        (tenant_id, redemption_id, user_id, boost_status, scheduled_activation_date, duration_days, boost_rate,
         tier_commission_rate, currency, minor_units, payment_method, payment_account_ref, payment_info_collected_at,
         payment_info_confirmed, created_at, updated_at)
    SELECT %(tenant_id)s, %(redemption_id)s, %(user_id)s, 'scheduled', %(starts_on)s, %(duration_days)s, %(boost_rate)s,
           %(commission_rate)s, %(currency)s, %(minor_units)s, a.method, a.account,
           CASE WHEN a.account IS NOT NULL THEN %(now)s::timestamptz END, a.account IS NOT NULL, %(now)s, %(now)s
    FROM (
        SELECT %(payment_method)s::text AS method, %(payment_account_ref)s::text AS account
        WHERE %(payment_account_ref)s::text IS NOT NULL OR NOT EXISTS (SELECT FROM known)
        UNION ALL
        SELECT k.payment_method, k.payment_account_ref
        FROM known k
        WHERE %(payment_account_ref)s::text IS NULL
    ) a
    ON CONFLICT DO NOTHING
    RETURNING tenant_id, id, user_id, scheduled_activation_date
),
noted AS (
    INSERT INTO trackai.commission_boost_state_history
        (tenant_id, boost_redemption_id, user_id, transitioned_at, from_status, to_status, effective_on, transition_type,
         created_at)
    SELECT b.tenant_id, b.id, b.user_id, %(now)s, NULL, 'scheduled', %(day)s, 'api', %(now)s
    FROM boost b
)
SELECT b.id FROM boost b
