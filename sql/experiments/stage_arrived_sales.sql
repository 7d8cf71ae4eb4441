-- Makes the table of linked sales whose outcomes may be others now: those that arrived themselves, and other sales of
-- users who did.
CREATE TEMPORARY TABLE arrived_sales (
    tenant_id text COLLATE "C", conversion_id bigint, user_id text COLLATE "C", arrived boolean
) ON COMMIT DROP
