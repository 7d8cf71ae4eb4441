-- The sales that arrived, but for those that are anonymised, in the form of linked_sales. Index: none is needed.
SELECT s.user_id, s.conversion_id, s.event_name, s.occurred_at, s.value, s.currency, s.attributed, s.arrived
FROM pg_temp.arrived_sales s
WHERE NOT s.anonymised
