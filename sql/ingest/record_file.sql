-- Notes that a file has been loaded in this state of it. Loading an unchanged file again leaves the first counts.
-- Index: ingest_files' primary key. Safe next to another loader of the same file: one row, one state.
INSERT INTO trackai.ingest_files (source, fingerprint, accepted, duplicates, rejected, note, left_out)
VALUES (%(source)s, %(fingerprint)s, %(accepted)s, %(duplicates)s, %(rejected)s, %(note)s, %(left_out)s)
ON CONFLICT (source) DO UPDATE
SET fingerprint = excluded.fingerprint,
    accepted = excluded.accepted,
    duplicates = excluded.duplicates,
    rejected = excluded.rejected,
    note = excluded.note,
    left_out = excluded.left_out,
    loaded_at = now()
WHERE trackai.ingest_files.fingerprint <> excluded.fingerprint
