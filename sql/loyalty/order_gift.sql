-- Makes the gift of a claim. Index: gifts_once_a_redemption.
INSERT INTO trackai.physical_gift_redemptions
    (tenant_id, redemption_id, user_id, requires_size, size_category, size_value, size_submitted_at, shipping_ref,
     shipping_info_submitted_at, created_at, updated_at)
VALUES
    (%(tenant_id)s, %(redemption_id)s, %(user_id)s, %(requires_size)s, %(size_category)s, %(size)s,
     CASE WHEN %(size)s::text IS NOT NULL THEN %(now)s::timestamptz END, %(shipping_ref)s,
     CASE WHEN %(shipping_ref)s::text IS NOT NULL THEN %(now)s::timestamptz END, %(now)s, %(now)s)
