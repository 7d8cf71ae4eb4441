-- Waits until no load of refunds links (locks.REFUND_LINKS), and keeps such loads waiting until this transaction ends.
-- Loads of sales share the lock. Index: none. Taken after the rows are written and before they are linked: whoever comes
-- second sees the rows of the first.
SELECT pg_advisory_xact_lock_shared(7221005)
