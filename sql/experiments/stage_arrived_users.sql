-- Makes the table of users of tests with what is known of them now: those who arrived or changed, and who bought what did.
CREATE TEMPORARY TABLE arrived_users (
    test_id bigint, user_id text COLLATE "C", variant_name text COLLATE "C", assigned_at timestamptz,
    exclusion text COLLATE "C", arrived boolean
) ON COMMIT DROP
