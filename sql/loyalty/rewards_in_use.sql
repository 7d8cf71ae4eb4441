-- Whether a tenant has missions to count, offers that follow tiers, and boosts that are not paid.
-- Indexes: the keys of missions and rewards, redemptions_work_list, boosts_by_status.
SELECT EXISTS (SELECT FROM trackai.missions i WHERE i.tenant_id = %(tenant_id)s) AS missions,
       EXISTS (SELECT FROM trackai.rewards r WHERE r.tenant_id = %(tenant_id)s AND r.creation = 'eager') AS offers,
       EXISTS (
           SELECT FROM trackai.commission_boost_redemptions b
           WHERE b.tenant_id = %(tenant_id)s
             AND b.boost_status IN ('scheduled', 'active', 'expired', 'pending_info', 'pending_payout')
       ) AS boosts
