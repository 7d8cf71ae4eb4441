-- Tells the server how many rows of arrived_users there are: what is joined with them is joined in the right order.
ANALYZE pg_temp.arrived_users
