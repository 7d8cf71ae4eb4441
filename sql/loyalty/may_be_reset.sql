-- Whether a tenant's program is a draft, all versions of it, and nothing was redeemed. Index: the primary keys.
SELECT NOT EXISTS (
    SELECT FROM trackai.loyalty_programs p WHERE p.tenant_id = %(tenant_id)s AND p.status <> 'draft'
) AND NOT EXISTS (SELECT FROM trackai.redemptions r WHERE r.tenant_id = %(tenant_id)s)
