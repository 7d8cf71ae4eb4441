-- Returns the hashes of the users who arrived, packed. Index: none is needed.
SELECT string_agg(int8send(hashtextextended(u.user_id COLLATE "C", 7)), '')
FROM pg_temp.arrived_users u
