-- Drops the table of staged users, so that one transaction can assign several times.
DROP TABLE pg_temp.staged_users
