"""Codes of countries and states, by the names that people and gateways use for them.

Keys are names as `text.key` makes them: lower-case letters only, without accents. Here: the tables. Not here: what to
do with a name that is in none of them (`place`).
"""

# ISO 3166-1 alpha-2.
_COUNTRIES = """
ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bl bm bn bo bq br bs bt bv bw by bz
ca cc cd cf cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg eh er es et fi fj fk fm fo fr
ga gb gd ge gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ie il im in io iq ir is it je jm jo
jp ke kg kh ki km kn kp kr kw ky kz la lb lc li lk lr ls lt lu lv ly ma mc md me mf mg mh mk ml mm mn mo mp mq mr
ms mt mu mv mw mx my mz na nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re ro
rs ru rw sa sb sc sd se sg sh si sj sk sl sm sn so sr ss st sv sx sy sz tc td tf tg th tj tk tl tm tn to tr tt tv
tw tz ua ug um us uy uz va vc ve vg vi vn vu wf ws ye yt za zm zw
"""
COUNTRIES = frozenset(_COUNTRIES.split())

# Alpha-3 code and names in English, Portuguese and Spanish, of countries whose people buy online from elsewhere.
_COUNTRY_NAMES = """
ao ago angola
ar arg argentina
at aut austria
au aus australia
be bel belgium belgica
bo bol bolivia
br bra brazil brasil
ca can canada
ch che switzerland suica suiza
cl chl chile
cn chn china
co col colombia
cr cri costarica
cu cub cuba
cv cpv capeverde caboverde
cz cze czechia czechrepublic republicatcheca tchequia chequia republicacheca
de deu germany alemanha alemania
dk dnk denmark dinamarca
do dom dominicanrepublic republicadominicana
ec ecu ecuador equador
eg egy egypt egito egipto
es esp spain espanha espana
fi fin finland finlandia
fr fra france franca francia
gb gbr unitedkingdom reinounido greatbritain grabretanha granbretana england inglaterra scotland wales uk
gr grc greece grecia
gt gtm guatemala
gw gnb guineabissau guinebissau
hk hkg hongkong
hn hnd honduras
hr hrv croatia croacia
hu hun hungary hungria
id idn indonesia
ie irl ireland irlanda
il isr israel
in ind india
it ita italy italia
jp jpn japan japao japon
kr kor southkorea coreiadosul coreadelsur republicofkorea
lu lux luxembourg luxemburgo
ma mar morocco marrocos marruecos
mx mex mexico
my mys malaysia malasia
mz moz mozambique mocambique
ng nga nigeria
ni nic nicaragua
nl nld netherlands thenetherlands paisesbaixos paisesbajos holland holanda
no nor norway noruega
nz nzl newzealand novazelandia nuevazelanda
pa pan panama
pe per peru
ph phl philippines filipinas
pl pol poland polonia
pr pri puertorico portorico
pt prt portugal
py pry paraguay paraguai
ro rou romania romenia rumania
ru rus russia rusia russianfederation
sa sau saudiarabia arabiasaudita
se swe sweden suecia
sg sgp singapore singapura singapur
st stp saotomeandprincipe saotomeeprincipe santotomeyprincipe
sv slv elsalvador
th tha thailand tailandia
tl tls timorleste easttimor timororiental
tr tur turkey turkiye turquia
tw twn taiwan
ua ukr ukraine ucrania
us usa unitedstates unitedstatesofamerica estadosunidos estadosunidosdaamerica estadosunidosdeamerica eua eeuu
uy ury uruguay uruguai
ve ven venezuela
vn vnm vietnam vietna
za zaf southafrica africadosul sudafrica
ae are unitedarabemirates emiradosarabesunidos uae emiradosarabes
"""
COUNTRY_NAMES = {
    name: code for code, *names in (line.split() for line in _COUNTRY_NAMES.strip().splitlines()) for name in names
}

BRAZILIAN_STATES = {
    "acre": "ac",
    "alagoas": "al",
    "amapa": "ap",
    "amazonas": "am",
    "bahia": "ba",
    "ceara": "ce",
    "distritofederal": "df",
    "espiritosanto": "es",
    "goias": "go",
    "maranhao": "ma",
    "matogrosso": "mt",
    "matogrossodosul": "ms",
    "minasgerais": "mg",
    "para": "pa",
    "paraiba": "pb",
    "parana": "pr",
    "pernambuco": "pe",
    "piaui": "pi",
    "riodejaneiro": "rj",
    "riograndedonorte": "rn",
    "riograndedosul": "rs",
    "rondonia": "ro",
    "roraima": "rr",
    "santacatarina": "sc",
    "saopaulo": "sp",
    "sergipe": "se",
    "tocantins": "to",
}

# With the district and the territories, as the United States Postal Service abbreviates them.
US_STATES = {
    "alabama": "al",
    "alaska": "ak",
    "arizona": "az",
    "arkansas": "ar",
    "california": "ca",
    "colorado": "co",
    "connecticut": "ct",
    "delaware": "de",
    "districtofcolumbia": "dc",
    "florida": "fl",
    "georgia": "ga",
    "hawaii": "hi",
    "idaho": "id",
    "illinois": "il",
    "indiana": "in",
    "iowa": "ia",
    "kansas": "ks",
    "kentucky": "ky",
    "louisiana": "la",
    "maine": "me",
    "maryland": "md",
    "massachusetts": "ma",
    "michigan": "mi",
    "minnesota": "mn",
    "mississippi": "ms",
    "missouri": "mo",
    "montana": "mt",
    "nebraska": "ne",
    "nevada": "nv",
    "newhampshire": "nh",
    "newjersey": "nj",
    "newmexico": "nm",
    "newyork": "ny",
    "northcarolina": "nc",
    "northdakota": "nd",
    "ohio": "oh",
    "oklahoma": "ok",
    "oregon": "or",
    "pennsylvania": "pa",
    "rhodeisland": "ri",
    "southcarolina": "sc",
    "southdakota": "sd",
    "tennessee": "tn",
    "texas": "tx",
    "utah": "ut",
    "vermont": "vt",
    "virginia": "va",
    "washington": "wa",
    "washingtondc": "dc",
    "westvirginia": "wv",
    "wisconsin": "wi",
    "wyoming": "wy",
    "americansamoa": "as",
    "guam": "gu",
    "northernmarianaislands": "mp",
    "puertorico": "pr",
    "virginislands": "vi",
}
