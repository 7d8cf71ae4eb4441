-- Makes the table of users, of whatever test, of whom something arrived: whether they changed, or only bought or were assigned.
CREATE TEMPORARY TABLE touched_users (user_id text COLLATE "C", changed boolean, in_all_tests boolean) ON COMMIT DROP
