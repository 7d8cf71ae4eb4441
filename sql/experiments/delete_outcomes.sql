-- Deletes the outcomes of tests, but for those of sales that are anonymised: they could not be made again.
-- Index: the primary key; without any outcome, sales are not read.
DELETE FROM trackai.ab_test_outcomes o
WHERE o.tenant_id = %(tenant_id)s AND o.test_id = ANY (%(test_ids)s::bigint[])
  AND (
      SELECT EXISTS (
          SELECT
          FROM trackai.ab_test_outcomes f
          WHERE f.tenant_id = %(tenant_id)s AND f.test_id = ANY (%(test_ids)s::bigint[])
      )
  )
  AND NOT EXISTS (
      SELECT
      FROM trackai.conversions c
      WHERE c.tenant_id = %(tenant_id)s AND c.id = o.conversion_id AND c.anonymised_at IS NOT NULL
  )
