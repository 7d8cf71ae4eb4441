-- Keys that are none: what programs write where they have no value names no click, and its hash is nobody's.
-- Cookies may be of any subdomain index: Meta's libraries write as many as a host has labels.

-- Both functions are printed by `python -m lint.placeholders` from the one list of placeholders,
-- customer_information/placeholders.py. A program's value is nobody's in any case and encoding. In PL/pgSQL, so that the
-- long pattern is not copied into every statement that compares keys; few values ever get there.
CREATE FUNCTION trackai.is_placeholder(key text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    lower_case text COLLATE "C" := translate(key, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz');
    encoded text COLLATE "C" := regexp_replace(lower_case, '%(25)+', '%', 'g');
    plain text COLLATE "C" := encoded;
BEGIN
    IF length(key) >= 32 AND key COLLATE "C" ~ '^[0-9A-Za-z-][0-9A-Za-z_-]*$' THEN
        RETURN false;
    END IF;
    IF strpos(encoded, '%') > 0 THEN
        SELECT string_agg(
                   CASE
                       WHEN length(sign[1]) = 1 THEN sign[1]
                       WHEN sign[1] COLLATE "C" BETWEEN '%20' AND '%7e' THEN
                           lower(chr(('x' || right(sign[1], 2))::bit(8)::integer) COLLATE "C")
                       ELSE ' '
                   END, '' ORDER BY place)
        INTO plain
        FROM regexp_matches(encoded, '%[0-9a-f]{2}|.', 'g') WITH ORDINALITY AS signs (sign, place);
    END IF;
    plain := regexp_replace(
        replace(replace(plain, '&lt;', '<'), '&gt;', '>'), '&(quot|apos|amp|nbsp|#x?[0-9a-f]+);', ' ', 'g');
    RETURN encoded ~ '^[ "''`\\+-]*%.*%[ "''`\\+-]*$' OR plain ~
        '^[^a-z0-9]*((0+|undefined|null|none|nil|nan|n[^a-z0-9]*a|void|empty|blank|unknown|missing|redacted|unset|'
        'true|false|string|object|not[^a-z0-9]*set|not[^a-z0-9]*provided|not[^a-z0-9]*available|'
        'not[^a-z0-9]*applicable|not[^a-z0-9]*found|no[^a-z0-9]*value|no[^a-z0-9]*data|nulo|vazio|vacio|indefinido|'
        'desconhecido|desconocido|nao[^a-z0-9]*informado|nao[^a-z0-9]*definido|fbclid|fbc|fbp|click[^a-z0-9]*id|'
        'facebook[^a-z0-9]*click[^a-z0-9]*id|your[^a-z0-9]*fbclid|your[^a-z0-9]*click[^a-z0-9]*id|'
        'my[^a-z0-9]*fbclid|insert[^a-z0-9]*fbclid|fbclid[^a-z0-9]*here|fbclid[^a-z0-9]*value|'
        'fbclid[^a-z0-9]*param|fbclid[^a-z0-9]*placeholder)([^a-z0-9]+|$))*$|\{.*\}|<.*>|\[.*\]|'
        '^[ "''`\\+-]*(\(.*\)|__.*__|%.*%|@.*@|#.*#|\*?\|.*\|\*?)[ "''`\\+-]*$|^[ "''`\\+-]*\$';
END $$;

-- Of a hash, its first 16 digits are compared: 64 bits. Among a billion addresses, the odds that one of them begins like
-- any of these are one in 37 million.
CREATE FUNCTION trackai.contact_hash(hash text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN left(hash, 16) COLLATE "C" <> ALL (
        '{017fc5ddacd6f470,0186dd4c576bc3ee,025377e66966a40a,032c626ceeb33279,03ac674216f3e15c,046576e5e67172ea,'
        '04751bd5c4371ac2,054528e7403871c7,064d48df39e66599,069cd032529f1698,070011335df9d7ba,075d2363f1c7a9ee,'
        '07980be3ef1c94b2,07a3c066c047c7b2,07da88b57052abe8,07e9c54c1e5e8ba7,0925f997eb0d7426,096eb47b9e65a0e2,'
        '09ba9581220edf90,09d6fb57fd97cca2,0a481a8dc8a8aa0e,0a7e77ddf186c6a7,0aa1b02ba521fa63,0ac4439378f089e4,'
        '0b10fbc464743d10,0c3659d6a9139d77,0c7e6a405862e402,0e23f28cfd2bbd04,0e547a85c1cdb15d,0e9a8dadba366a88,'
        '0f25eb84ebebb2c9,0ff974ece5fa4d98,0ffe1abd1a082153,108272e007479e2b,112941e23ce637c7,117ca7f0fc23b759,'
        '11b6df87a806b01f,139920e9780d4214,139f72007334050a,140bedbf9c3f6d56,14262596ceb7fadd,14907954a1476477,'
        '14bdcd6fd64180af,14da77b059263db7,150089b0e4589ca4,152388cb38dd9e44,157e6c8c79e53e17,15cb1209eb94e9c6,'
        '15e2b0d3c33891eb,161f05ecaf32f6a2,1639bd1d3165c8ed,16681f5b0ae4712b,16db85142f268b88,16e9ff7972a10855,'
        '16f14fb63fdb479b,1778f79c5f88baa2,17bba6fc510bdbd1,19581e27de7ced00,1a2cc798e88eade5,1a5376ad727d6521,'
        '1a66bd0745eeaa23,1aef939917215ce7,1c4408317a3b60cb,1c9e6f54a903f72c,1cda5bd6e45a02b1,1d00413fb29733a2,'
        '1dcbfe82d76f2dd2,1e0a3384de244836,1e1780b6bcb2978c,1e23d461552b906f,1e7924bed12cd683,1f8363df7916ab73,'
        '1f9a3f84633e7ef0,20ef0f0c8d0eea98,20fdf64da3cd2c78,2172498d4914b51e,21894d54bcc637de,21d11f66533ab290,'
        '224746383374f0c9,22e440a14cedfd6d,23759997b3c59884,23d595cb1882661b,241eef372359e9f2,2446153cca41c2f3,'
        '245b491282f24c58,2558a34d4d20964c,258d8dc916db8cea,25b296232b73a941,264e53d93759bde0,26502fcf144dd5ba,'
        '273b992af6be87f4,27ca3a21db6d3183,281b1d53cbc70223,28d1a7953a9caaab,2908adac5f9e2806,2a40c62595540729,'
        '2a4c16159f5083cd,2a539d6520266b56,2ac9a6746aca543a,2b8f29ea658ec5de,2c98cc3eb74f620b,2e1cfa82b035c26c,'
        '2e4252c0ecacbef2,2e6e15a38c6fe8b6,2f0f47c7ed07a0d1,2f43b434c217a2b0,2fa568238f6d6aa0,2fcc945fdea6b8b8,'
        '314063792b0999b3,31c5543c1734d25c,320325cff738545f,321ba197033e8128,33573a8931ff6fde,3371eaaeb70ad5f0,'
        '33807fc1ad15c686,340668f3c3ae66d2,3410a26d1eb75d71,341c7ddd3b71fe87,34292f4267fcc405,34d31be18022626d,'
        '35529cb577eb4fe8,35a8b0c0832a7251,36159f781b5283b2,36a9e7f1c95b82ff,36e54050c71f510b,36e96648c5410d00,'
        '37fb2925acb4a263,38528890d6fd85f3,388c735eec8225c4,3973e022e93220f9,39ee4268cf7811e9,3bd3436892bbb55f,'
        '3cbc87c7681f34db,3d173e59617a5732,3d9fc4bde7ceef05,3dec7ec28e4ba0c1,3f08d8fadb4b67fb,3ff9e570e296c638,'
        '44136fa355b3678a,44531620415ee196,44666ae053e9c2e7,45569da57f4b7bf4,45df139772a81b60,4668c17c66cb300e,'
        '46896a5d2d07b28b,472f565c4de8c9dd,473287f8298dba71,47d98867e1751dc9,4895f73177ab5d67,4afd38a20fe780b1,'
        '4c2b7735c9b1cf1f,4c63beae700e501e,4d04b62d17588530,4dfe78f423f7fd15,4e523a5ae5b4636c,4ee8d695e2aa5104,'
        '4f53cda18c2baa0c,4fc82b26aecb47d2,50009c72a2449ca3,50f9cc73369685f8,513935c4d2db2d2d,52184278e2e23028,'
        '5267323e8b6d9d27,52f443842cf2eb74,534a4a8eafcd8489,53e6cdc30765aade,54dc0b3c5ec39a74,552c8d0af905f679,'
        '55e79200c1635b37,562d4aba4cc17834,562e3397fd9f9899,56515b4823df9482,57c934d6bdf8447d,581bda7fb304139e,'
        '581d32607a2d97d3,582f7b4089f9147d,584c4423c421df49,58931504914ca792,58fc25ced9c2565b,59060a99a41ecfda,'
        '5927c6704ad37c92,5994471abb01112a,5c50c884430dcb64,5c802e4fbe032f49,5d47146ea29bd986,5da3a4c7f1179442,'
        '5e1d92b521ced8d9,5e949f239c08ab94,5edfa2692bdacc5e,5feceb66ffc86f38,60416d1807048296,60a33e6cf5151f2d,'
        '60dbc40771b487a7,6268ccfb9975c55b,62ce971d86064937,62ed849289ab825a,639ac0b690d8de75,63dceb8800b2dd4a,'
        '6427705ce586eff5,647872aa2b17ce24,64ca82c88aca141b,65340028ed85a664,6686404964b655b0,66f8dfdbcf4d396f,'
        '67a4ec6c270e5e57,6808bbaddbe20fb3,68e177f6c97483b8,69e69621d904f5d0,6aa9f4756b75c294,6b1cd8fdff630241,'
        '6b51d431df5d7f14,6b583232e99af45c,6b86b273ff34fce1,6bba15e85c972332,6bcb6f51b8859f8b,6be36ca49ee85210,'
        '6dd8ade1d8c3f119,6feaa64b3b9089f6,7016fcf54ae194a1,7039f319f9811cec,70cfc635638391ea,72d90af393d61072,'
        '72db2c2a5fb4bc73,73062d872926c2a5,7314ad22c45cc84e,73d1c733522100d0,73e730360d8c6c3a,74234e98afe7498f,'
        '7442a50760bab64f,7462108984f629db,74a43f5a2491b706,74d7a40ab454caff,74f37874696d1769,76e8490ff205d61f,'
        '7744c8e07acc26a0,774efc08cebab8c5,780d7849666a1511,7889ec97af3e567e,78f23bccd07f997c,795bcb4bf560f986,'
        '79f7928f3deb7436,7a3f281c6721d2a8,7ae58721e5db7888,7b17fb0bd173f625,7bcb4f818516a747,7be34bccefe2949f,'
        '7dcb0cd247aa9489,7e071fd9b023ed8f,7e1efdee4484bc47,7e6ea62ad413e642,7ecc9432fb3772b7,8006d9126124fb71,'
        '818c49f686756c51,81df589b1dceacc2,82244417f956ac7c,8290b86681ecf225,82f6931a795e9093,835720131aad4853,'
        '836f82db99121b34,838c6da1e8aeb9ff,838d7e8585419ecf,83cf8b609de60036,846254e53f5b440e,84d9c4b849506b6d,'
        '85898094b05c29fd,85b4c68d5a5af802,85ea131ee89716b9,86d77436c31a50ce,86e0b9e56c17cc4d,87924606b4131a8a,'
        '888df25ae3577242,8aa687adf793776a,8af1d328d75e91cf,8bb0cf6eb9b17d0f,8bcb898ffd625bce,8c1f1046219ddd21,'
        '8ca68f8685c0c7b6,8d12b7f58c0d3fc8,8d339797edb6e634,8d969eef6ecad3c2,8dc838c79aff6568,8df959a8dcf3fa69,'
        '8e22f38aaf031429,8f7297081550fe52,906405461b877abb,9148b44a462b4ddd,91aaf5a04b4e9095,91b4d142823f7d20,'
        '937377f056160fc4,9387ed9432ec25ef,95d32452a6fd5cd0,969ccbd3cf6300ec,9737283ac91120ca,973dfe463ec85785,'
        '97817c0c49994eb5,9956d6a8168de875,998d402946944690,99eaffc14e0e1c24,9a3c537d27c9de4c,9af15b336e6a9619,'
        '9b2d5b4678781e53,9b49ac3202258812,9c520caf74cff9b9,9c9f57efe04f8f5a,9e75fa52bf00b90e,9f14b065f0f43fca,'
        '9f5e1bc8869b2736,a0799b3845ea7e1e,a18ac4e6fbd3fc02,a1f832802bf2411a,a4ef46e711c986ea,a594e88b7883c56c,'
        'a665a45920422f9d,a683c5c5349f6f7f,a7e63b552eab43c5,a9309b982160c892,a9af0527276f51ae,a9b20c2b94ec00a4,'
        'aacd87f2ef5468d8,aae631966c7ae92a,aafd2973447a8399,abb2109a220e299c,abe3b00e286fbcec,ac44cfb2f6d337b5,'
        'ac9557ba9d4c9d6a,acac4852015c863c,ae6f5ff44c29f4f3,af4b24cd2b0d2bda,af53aaf87656940f,af8c801af550a48a,'
        'afabeec635c66a8c,b0465fc65dd8febf,b0e955f9d699b3aa,b0ebf615f08ae5fb,b220d6245f080f01,b238c595b84321b3,'
        'b23a6a8439c0dde5,b28c94b2195c8ed2,b2ac167e73eca919,b2ef230e7f4f315a,b32d17db308a1b37,b3a25ca621edfb65,'
        'b3a5414e4f9a843a,b460b79e4bfbaefd,b4c9a289323b21a0,b585d929c0f511b4,b5bea41b6c623f7c,b68919aff001d836,'
        'b6f63ed05afcb0b0,b764cdc0eab71374,b7e60b19dbf9d2bc,b81a62fd9afa5813,b83c7778c23a8d19,b88773f8c392e953,'
        'ba1a18ca30bf6289,bab0104b8aa9d727,bb04ea163dee20cb,bb421fa35db885ce,bb4afc74d852fc90,bb799adc436e43fb,'
        'bb82817c20003818,bc6643f7e4d2ceae,bc6793c161201ba1,bcb15f821479b4d5,bd8de9eb0a19ec80,bdd693f98b0e1e14,'
        'bdef7f626b1e61cd,be165f735308d2e0,be18d914ac29f29f,be768a15f20bb16a,c23a03f90231b24a,c30277ece79635da,'
        'c3103ec31810a68a,c3a4e32134f51353,c3ec297c5ed60080,c437fca192fb4dd5,c528edc0dc67b536,c60513c9a493990d,'
        'c627c09c14e58e44,c656ff983f315690,c6a94cc32661f58a,c6c094bc0054f9cb,c775e7b757ede630,c7b1fcbb52738615,'
        'c829d13db8aea98f,c86bbcb8d7ea86e1,c8cb2dd9b90849f2,c8ce5b8ad1a68840,c9360a209b775fb1,c9a560c74de368dc,'
        'ca871b3caae791a6,cab6a098926c4b16,cc1d2f838445db7a,cca3c3b6da9b899d,ccb3ed476d43ff0b,ccf1903b783419fb,'
        'cd372fb85148700f,ce3a598687c8d2e5,cf87b25779ced255,cfbace3219d9b2f4,d0199008beddcab7,d159ef624ed86697,'
        'd17f25ecfbcc7857,d2abb7e535a7590a,d2d02ea74de2c9fa,d3447652bb8a5fbb,d34f4ad74da5b43b,d43209d8af7c363f,'
        'd5b592c05dc25b50,d5df65f07517a4ba,d648b243a3e817ea,d6e938be2340443c,d70e88541db2c99d,d83b9ff3c07a8390,'
        'd870f5a4facc84ff,d912dfa1a4b06e8f,d9467e2cdc47a608,da6a234216924906,db4695a4178fd3c0,dc7a847f7edafe08,'
        'dc937b59892604f5,de34a09f96a6677f,de403ea1e2449621,dfe88090c5ed7ac2,e06d0a5b0e32bc24,e0efd258b7a89c0e,'
        'e118b5c29cb4b975,e1f994b94eb9349b,e2255fb652190910,e233d4a29013e9d8,e27b50aedb388e77,e2e133230a3cd89c,'
        'e2e7dbfa5e7b07f9,e2f79e5b60330bba,e3569d333de6a303,e3b0430a20259fce,e3b0c44298fc1c14,e4ecacdf9add5ea0,'
        'e502f4c7c766c543,e5089e403ce9873d,e6833c6f87c4af32,e7042ac7d09c7bc4,e73bef50478aaabf,e7ae3f49950fa2a7,'
        'e84dd1098f9c7f42,e85bbf307aedebc9,e9f8d6896040811e,eb045d78d2731073,ee067bce73dcd253,ee278943de84e5d6,'
        'ee79976c9380d5e3,eec025450a030435,eee3710b97e52f91,ef14b5acf090dff7,ef797c8118f02dfb,ef90cebdb96991d0,'
        'f02dfb7da82a40b0,f045dd8a7b070565,f080ca14e0e21e30,f0bc511bfa32bf6c,f120bb5698d520c5,f1534392279bddbf,'
        'f166c55c0c009fb3,f2b777c4ad2d90af,f3273dd18d95bc19,f388bc7cd953b951,f3b2ce1a487bc887,f561fe43d7510e58,'
        'f58ecb8bb9d64bb2,f660ab912ec121d1,f6e0a1e2ac41945a,f7b11509f4d675c3,f7ee5ec731216514,f8dd7c42c723a7dc,'
        'f8e22998f317c4fd,fa1d2db62d4d952e,fa3ec8696b21196b,fb22360153a3758b,fb329000228cc5a2,fb5f9e174d5af37c,'
        'fb98d44ad7501a95,fc20b2c6784c4130,fc86643d4eb15217,fcad874966db2e98,fcbcf165908dd18a,fccbdaf41ebed3da,'
        'fd207c9bda4b3a23,fd2924246e8bebde,fd5f56b40a79a385,fe4392faaa18fd34,ffa63583dfa6706b}'::text[])
    THEN hash
END;

-- A click id as Meta makes them is taken as it stands: no trimming, and no look at the placeholders.
CREATE OR REPLACE FUNCTION trackai.fbclid_of_fbc(fbc text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN fbc ~ '^fb[.][0-9]+[.][0-9]+[.][0-9A-Za-z-][0-9A-Za-z_-]*([.][0-9A-Za-z_-]*)?$'
         AND octet_length(fbc) <= 512 AND octet_length(split_part(fbc, '.', 4)) >= 32
    THEN split_part(fbc, '.', 4)
    WHEN trackai.trimmed(fbc) ~ U&'^fb[.][0-9]+[.][0-9]+[.][^.\0009\000A\000B\000C\000D\001C\001D\001E\001F\0020\0085\00A0\1680\2000\2001\2002\2003\2004\2005\2006\2007\2008\2009\200A\2028\2029\202F\205F\3000]+([.][^.]*)?$'
         AND length(split_part(trackai.trimmed(fbc), '.', 4)) <= 512
         AND NOT trackai.is_placeholder(split_part(trackai.trimmed(fbc), '.', 4))
    THEN split_part(trackai.trimmed(fbc), '.', 4)
END;

CREATE OR REPLACE FUNCTION trackai.well_formed_fbclid(fbclid text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN octet_length(fbclid) BETWEEN 32 AND 512 AND fbclid ~ '^[0-9A-Za-z-][0-9A-Za-z_-]*$'
    THEN fbclid
    WHEN trackai.trimmed(fbclid) ~ U&'^[^.\0009\000A\000B\000C\000D\001C\001D\001E\001F\0020\0085\00A0\1680\2000\2001\2002\2003\2004\2005\2006\2007\2008\2009\200A\2028\2029\202F\205F\3000]+$'
         AND length(trackai.trimmed(fbclid)) <= 512
         AND NOT trackai.is_placeholder(trackai.trimmed(fbclid))
    THEN trackai.trimmed(fbclid)
END;

-- Its last segment is a random number: 0 is a placeholder.
CREATE OR REPLACE FUNCTION trackai.browser_key(fbp text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN fbp ~ '^fb[.][0-9]+[.][0-9]+[.]0*[1-9][0-9]*$' THEN fbp
    WHEN trackai.trimmed(fbp) ~ '^fb[.][0-9]+[.][0-9]+[.]0*[1-9][0-9]*([.][^.]*)?$'
    THEN substring(trackai.trimmed(fbp), '^fb[.][0-9]+[.][0-9]+[.][0-9]+')
END;

-- The indexes hold what the functions answered, which has changed for some clicks. New ones are built next to the old:
-- meanwhile clicks are read and matched, and writes to clicks wait. REINDEX would have readers wait, too.
CREATE INDEX clicks_by_click_key_anew
    ON trackai.clicks (tenant_id, trackai.key_hash(trackai.click_key(fbc, fbclid)), created_at DESC, id DESC)
    WITH (fillfactor = 90);
CREATE INDEX clicks_by_browser_key_anew
    ON trackai.clicks (tenant_id, trackai.key_hash(trackai.browser_key(fbp)), created_at DESC, id DESC)
    WITH (fillfactor = 90);
DROP INDEX trackai.clicks_by_click_key, trackai.clicks_by_browser_key;
-- Both names are taken away and given within this transaction.
-- squawk-ignore renaming-object
ALTER INDEX trackai.clicks_by_click_key_anew RENAME TO clicks_by_click_key;
-- squawk-ignore renaming-object
ALTER INDEX trackai.clicks_by_browser_key_anew RENAME TO clicks_by_browser_key;

-- Nobody's hash links no sale with a user either.
CREATE OR REPLACE VIEW trackai.v_wrong_user_links AS
SELECT c.tenant_id, c.id AS conversion_id, c.gateway, c.gateway_event_id, c.occurred_at,
       coalesce(e.id, p.id) AS user_id,
       CASE WHEN e.id IS NOT NULL THEN 'email' WHEN p.id IS NOT NULL THEN 'phone' END AS linked_by
FROM trackai.conversions c
LEFT JOIN LATERAL (
    SELECT u.id FROM trackai.users u
    WHERE u.tenant_id = c.tenant_id AND u.email_hash = trackai.contact_hash(c.customer_email_hash)
    ORDER BY u.id LIMIT 1
) e ON true
LEFT JOIN LATERAL (
    SELECT u.id FROM trackai.users u
    WHERE u.tenant_id = c.tenant_id AND u.phone_hash = trackai.contact_hash(c.customer_phone_hash) AND e.id IS NULL
    ORDER BY u.id LIMIT 1
) p ON true
LEFT JOIN trackai.user_conversions l ON l.tenant_id = c.tenant_id AND l.conversion_id = c.id
WHERE (c.customer_email_hash IS NOT NULL OR c.customer_phone_hash IS NOT NULL)
  AND (l.user_id, l.linked_by) IS DISTINCT FROM (
      coalesce(e.id, p.id), CASE WHEN e.id IS NOT NULL THEN 'email' WHEN p.id IS NOT NULL THEN 'phone' END
  );
