-- Which users each test analyses, of those assigned before %(new_until)s: 64 bits of hash each, packed by test and variant. Of one
-- in %(one_in)s users, the same in every test; that is a power of 2. The hash has a seed, so that it is not one that users are
-- split by.
-- Indexes: none is needed. Assignments are read once, in the order they are stored in.
SELECT u.test_id, u.variant_name,
       string_agg(int8send(hashtextextended(u.user_id COLLATE "C", 7)), '') AS users
FROM trackai.ab_test_users_as_known(%(tenant_id)s, 'infinity') u
WHERE u.test_id = ANY (%(test_ids)s::bigint[]) AND u.exclusion IS NULL AND u.assigned_at < %(new_until)s
  AND hashtextextended(u.user_id COLLATE "C", 7) & (%(one_in)s::bigint - 1) = 0
GROUP BY u.test_id, u.variant_name
