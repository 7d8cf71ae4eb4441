-- Writes down what is known of a gift by now; what is NULL stays as it is. No row where the redemption has no gift.
-- Index: gifts_once_a_redemption.
UPDATE trackai.physical_gift_redemptions g
SET size_value = coalesce(%(size)s, g.size_value),
    size_submitted_at = CASE WHEN %(size)s::text IS NULL THEN g.size_submitted_at ELSE %(now)s END,
    shipping_ref = coalesce(%(shipping_ref)s, g.shipping_ref),
    shipping_info_submitted_at = CASE
        WHEN %(shipping_ref)s::text IS NULL THEN g.shipping_info_submitted_at ELSE %(now)s END,
    carrier = coalesce(%(carrier)s, g.carrier),
    tracking_number = coalesce(%(tracking)s, g.tracking_number),
    shipped_at = CASE WHEN %(shipped)s THEN %(now)s ELSE g.shipped_at END,
    delivered_at = CASE WHEN %(delivered)s THEN %(now)s ELSE g.delivered_at END,
    updated_at = %(now)s
WHERE g.tenant_id = %(tenant_id)s AND g.redemption_id = %(redemption_id)s
RETURNING g.requires_size AND g.size_value IS NULL AS size_is_missing, g.shipping_ref IS NULL AS address_is_missing
