-- Tells the server how many rows of touched_users there are: what is joined with them is joined in the right order.
ANALYZE pg_temp.touched_users
