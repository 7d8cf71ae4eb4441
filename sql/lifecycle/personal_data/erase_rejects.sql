-- Takes the content out of refused records; the reason goes too where it quotes the person (%(quoting)s). Their place and
-- fingerprint stay, so that loading the file again does not bring them back. Index: ingest_rejects' primary key.
UPDATE trackai.ingest_rejects r
SET payload = NULL,
    reason = CASE WHEN r.id = ANY (%(quoting)s::bigint[]) THEN %(instead)s ELSE r.reason END
WHERE r.id = ANY (%(ids)s)
