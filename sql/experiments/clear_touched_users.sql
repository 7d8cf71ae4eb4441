-- Empties the table of touched users.
TRUNCATE pg_temp.touched_users
