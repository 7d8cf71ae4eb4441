-- Lists the segments that each sale of pg_temp.day_sales belongs to, in pg_temp.sale_segments.
-- Indexes: the primary keys of user_conversions and user_segments.
-- Guarantees: each family (customers, channel, source, gateway) has every sale once. A tenant's own segment counts where it
-- was valid at the sale; one that is named like one of a family is left out.
CREATE TEMPORARY TABLE sale_segments ON COMMIT DROP AS
SELECT s.conversion_id,
       CASE
           WHEN s.sale_number = 1 THEN 'new_users'
           WHEN s.sale_number > 1 THEN 'returning_users'
           ELSE 'unknown_users'
       END COLLATE "C" AS segment_name
FROM day_sales s
UNION ALL
SELECT s.conversion_id, left(f.family || ':' || f.member, 100) COLLATE "C"
FROM day_sales s
CROSS JOIN LATERAL (
    VALUES ('channel', s.channel), ('source', s.source), ('gateway', s.gateway)
) AS f (family, member)
UNION ALL
SELECT DISTINCT s.conversion_id, g.segment_name
FROM day_sales s
JOIN trackai.user_conversions l ON l.tenant_id = %(tenant_id)s AND l.conversion_id = s.conversion_id
JOIN trackai.user_segments g ON g.tenant_id = l.tenant_id AND g.user_id = l.user_id
WHERE g.valid_from <= s.occurred_at AND (g.valid_to IS NULL OR g.valid_to > s.occurred_at)
  AND g.segment_name !~ '^((new|returning|unknown)_users$|(channel|source|gateway):)'
