-- Takes a person out of clicks. The rows stay with their ids and times, so that what counts or points at them still does.
-- A campaign's text goes where it quotes the person (a newsletter's link may hold the reader's address, of which a hash
-- is kept): %(hashes)s is a regular expression. Index: clicks' primary key.
UPDATE trackai.clicks k
SET fbclid = NULL,
    fbc = NULL,
    fbp = NULL,
    ip = NULL,
    user_agent = NULL,
    utm_source = CASE WHEN k.utm_source ~* %(hashes)s THEN NULL ELSE k.utm_source END,
    utm_medium = CASE WHEN k.utm_medium ~* %(hashes)s THEN NULL ELSE k.utm_medium END,
    utm_campaign = CASE WHEN k.utm_campaign ~* %(hashes)s THEN NULL ELSE k.utm_campaign END,
    utm_content = CASE WHEN k.utm_content ~* %(hashes)s THEN NULL ELSE k.utm_content END,
    utm_term = CASE WHEN k.utm_term ~* %(hashes)s THEN NULL ELSE k.utm_term END,
    anonymised_at = %(now)s
WHERE k.tenant_id = %(tenant_id)s AND k.id = ANY (%(ids)s)
