-- Changes what the manifest says of a file; a parameter that is NULL leaves its column as it is.
-- Index: archives' primary key. Guarantees: an archive that is not as the caller knows it is left alone.
UPDATE trackai.archives
SET state = coalesce(%(state)s, state),
    keep_until = coalesce(%(keep_until)s, keep_until),
    dropped_at = coalesce(%(dropped_at)s, dropped_at),
    path = coalesce(%(path)s, path),
    bytes = coalesce(%(bytes)s, bytes),
    sha256 = coalesce(%(sha256)s, sha256),
    checksum = coalesce(%(checksum)s, checksum),
    rows = coalesce(%(rows)s, rows),
    first_row_at = coalesce(%(first_row_at)s, first_row_at),
    last_row_at = coalesce(%(last_row_at)s, last_row_at)
WHERE table_name = %(table)s AND day = %(day)s AND part = %(part)s
  AND state = %(known_state)s AND sha256 = %(known_sha256)s
