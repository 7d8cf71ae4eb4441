-- Waits until no other load links refunds (locks.REFUND_LINKS), and keeps them waiting until this transaction ends.
-- Index: none. Taken after the rows are written and before they are linked: whoever comes second sees the rows of the first.
SELECT pg_advisory_xact_lock(7221005)
