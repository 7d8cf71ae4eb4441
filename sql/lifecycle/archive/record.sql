-- Enters a file that has been read back and found right.
-- Index: archives' primary key, which refuses a part that is there already.
INSERT INTO trackai.archives (
    table_name, day, part, state, path, rows, bytes, sha256, checksum, first_row_at, last_row_at, verified_at,
    keep_until, dropped_at
) VALUES (
    %(table_name)s, %(day)s, %(part)s, %(state)s, %(path)s, %(rows)s, %(bytes)s, %(sha256)s, %(checksum)s,
    %(first_row_at)s, %(last_row_at)s, %(verified_at)s, %(keep_until)s, %(dropped_at)s
)
