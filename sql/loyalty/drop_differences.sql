-- Drops the staged entries, so that a transaction can post twice. Index: none.
DROP TABLE pg_temp.ledger_differences
