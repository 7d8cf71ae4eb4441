-- Drops the staged conversions of a day, so that a transaction can look at several. Index: none.
DROP TABLE pg_temp.day_credit
