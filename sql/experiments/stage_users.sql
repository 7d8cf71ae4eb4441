-- Makes the table that users are copied into, each with the variant of the bucket; NULL: not in the test.
CREATE TEMPORARY TABLE staged_users (user_id text COLLATE "C", variant text COLLATE "C") ON COMMIT DROP
