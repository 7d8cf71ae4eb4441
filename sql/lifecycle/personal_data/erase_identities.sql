-- Takes the hashes out of identities. The rows stay, so that loading their file again does not bring them back.
-- Index: identities' primary key.
UPDATE trackai.identities i
SET email_hash = NULL, phone_hash = NULL
WHERE i.tenant_id = %(tenant_id)s AND i.id = ANY (%(identity_ids)s)
