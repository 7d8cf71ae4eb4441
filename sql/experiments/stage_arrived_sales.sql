-- Makes the table of linked sales whose outcomes may be others now, with what outcomes need of them: those that arrived
-- themselves, and other sales of users who did.
CREATE TEMPORARY TABLE arrived_sales (
    conversion_id bigint, user_id text COLLATE "C", event_name text COLLATE "C", occurred_at timestamptz,
    value numeric, currency char(3), attributed boolean, anonymised boolean, arrived boolean
) ON COMMIT DROP
