-- Returns the hashes of touched users, packed. Index: none is needed.
SELECT string_agg(int8send(hashtextextended(t.user_id COLLATE "C", 7)), '')
FROM pg_temp.touched_users t
