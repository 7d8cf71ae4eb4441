-- Makes a member of a user who is none; returns the day of enrolment, of one who was there as well.
-- Index: loyalty_members' primary key.
WITH inserted AS (
    INSERT INTO trackai.loyalty_members (tenant_id, user_id, enrolled_on, created_at, updated_at)
    VALUES (%(tenant_id)s, %(user_id)s, %(enrolled_on)s, %(now)s, %(now)s)
    ON CONFLICT (tenant_id, user_id) DO NOTHING
    RETURNING enrolled_on
)
SELECT enrolled_on FROM inserted
UNION ALL
SELECT enrolled_on FROM trackai.loyalty_members WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s
LIMIT 1
