-- How many conversions before the UTC day %(before)s still have a contact hash that their buyer, or their journey where they
-- are matched, has not been made from; with their first and last day.
-- Indexes: conversions_to_anonymise, which holds only those that still have hashes, and the primary keys of
-- conversion_buyers, matched_attributions, conversion_journeys and archives.
-- Guarantees: what is in the archive counts as made.
SELECT count(*) AS sales,
       min((c.occurred_at AT TIME ZONE 'UTC')::date) AS first_day,
       max((c.occurred_at AT TIME ZONE 'UTC')::date) AS last_day
FROM trackai.conversions c
WHERE c.anonymised_at IS NULL
  AND c.occurred_at < %(before)s::date::timestamp AT TIME ZONE 'UTC'
  AND num_nonnulls(c.customer_email_hash, c.customer_phone_hash) > 0
  AND (
      NOT EXISTS (
          SELECT FROM trackai.conversion_buyers b WHERE b.tenant_id = c.tenant_id AND b.conversion_id = c.id
      )
      OR (
          EXISTS (
              SELECT
              FROM trackai.matched_attributions a
              WHERE a.tenant_id = c.tenant_id AND a.conversion_id = c.id AND a.strategy <> 'unmatched'
          )
          AND NOT EXISTS (
              SELECT FROM trackai.conversion_journeys j WHERE j.tenant_id = c.tenant_id AND j.conversion_id = c.id
          )
      )
  )
  AND NOT EXISTS (
      SELECT
      FROM trackai.archives h
      WHERE h.table_name = 'conversion_buyers' AND h.day = (c.occurred_at AT TIME ZONE 'UTC')::date
        AND h.state = 'dropped'
  )
