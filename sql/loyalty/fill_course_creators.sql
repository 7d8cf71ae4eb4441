-- Puts creators into a course as they were before their enrolment. Index: the primary key of loyalty_members.
INSERT INTO {creators} (tenant_id, user_id, enrolled_on, left_on)
SELECT m.tenant_id, m.user_id, m.enrolled_on, m.left_on
FROM trackai.loyalty_members m
WHERE m.tenant_id = %(tenant_id)s AND m.user_id = ANY(%(users)s)
