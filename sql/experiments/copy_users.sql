-- Copies users and their variants.
COPY pg_temp.staged_users (user_id, variant) FROM STDIN
