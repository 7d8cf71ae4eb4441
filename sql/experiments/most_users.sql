-- How many users the largest of some tests analyses on its newest UTC day. Index: the key of ab_test_daily_totals.
SELECT coalesce(max(n.users), 0)::bigint
FROM (
    SELECT sum(d.users_count) AS users
    FROM unnest(%(test_ids)s::bigint[], %(days)s::date[]) AS t (test_id, day)
    JOIN trackai.ab_test_daily_totals d
        ON d.tenant_id = %(tenant_id)s AND d.test_id = t.test_id AND d.day = t.day AND d.population = 'so_far'
    GROUP BY t.test_id
) n
