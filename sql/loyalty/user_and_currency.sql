-- Whether a tenant has a user, and the currency of its program's newest rules. Indexes: the primary keys of both tables.
SELECT EXISTS (SELECT FROM trackai.users u WHERE u.tenant_id = %(tenant_id)s AND u.id = %(user_id)s),
       (SELECT p.currency FROM trackai.loyalty_programs p WHERE p.tenant_id = %(tenant_id)s ORDER BY p.valid_from DESC LIMIT 1)
