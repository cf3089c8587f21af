#!/bin/sh
# Keys whose tenant, organization or row PostgreSQL does not have: told with samples by `cache counts`
# and `cache keys`; what cannot be asked is not known, and never fine; without a database nothing is
# compared, and that is said.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../plans.sh"

td_begin_plans
td_start_postgres
td_start_redis

td_psql "CREATE TABLE public.people (id int PRIMARY KEY, org text);
         CREATE TABLE public.visits (id text PRIMARY KEY);
         CREATE TABLE public.rooms (id uuid PRIMARY KEY);
         INSERT INTO public.people SELECT n, '1' FROM generate_series(1, 1200) n;
         INSERT INTO public.visits VALUES ('a:b'), ('v1'), ('\"q\" \\ [x]');
         INSERT INTO public.rooms VALUES ('11111111-2222-3333-4444-555555555555')"
td_codes_csv 1,n1,north 2,s1,south 9,x1,elsewhere
td_columns_plan site <<'PLAN'
[table "people"]
    from = own org
[keys "others"]
    pattern = tenant:{tenant}:queue:*
    foreign = true
[keys "people"]
    pattern = tenant:{tenant}:person:{id}
    row = people.id
[keys "visits"]
    pattern = tenant:{tenant}:org:{org}:visit:{id}
    row = visits.id
[keys "rooms"]
    pattern = tenant:{tenant}:room:{id}
    row = rooms.id
[keys "later"]
    pattern = tenant:{tenant}:later:{id}
    row = people.code
PLAN

td() {
    "$TENANTDECK" -d "$TD_DATABASE" -r "$TD_REDIS" -p "$work/site.plan" "$@" </dev/null
}

# figure EXPRESSION: of the JSON in $work/json, as `a`, with its findings by template as `f`.
figure() {
    python3 -c 'import json, sys
a = json.load(open(sys.argv[1]))
f = {x["template"]: (x["asked"], x["missing"], sorted(x["samples"])) for x in a["orphans"]["findings"]}
print(eval(sys.argv[2]))' "$work/json" "$1"
}

seq 1200 | sed 's/.*/SET tenant:north:person:& v/' | td_redis >"$work/said"
td_redis >"$work/said" <<'REDIS'
SET tenant:north:org:n1:visit:v1 v
SET "tenant:north:org:n1:visit:\"q\" \\ [x]" v
SET tenant:north:room:11111111-2222-3333-4444-555555555555 v
SET tenant:ghost:queue:1 v
REDIS

# ---- before and without ----

said=$(td cache counts)
is "$?" 0 'where nothing is missing, nothing is found'
like "$said" 'its mapping does not have: not known: step mapping has not loaded the codes' \
    'a database without codes yet does not make all of them wrong'
like "$said" "keys of 'later' without a row in people.code: not known: there is no column" \
    'nor does a column that is not there yet'
td_psql 'ALTER TABLE public.people ADD code text' >"$work/said"
runs 'the journal is made' td --yes journal create
td_psql "INSERT INTO tenantdeck.mapping VALUES ('site', '1', 'n1', 'north'), ('site', '2', 's1', 'south'),
                                                 ('other', '9', 'x1', 'elsewhere')"
runs 'where every key has its row' td cache counts
like "$td_said" "keys of 'people' without a row in people.id: 0 of 1,200" 'that is said'
like "$(env -u PGHOST -u PGPORT -u PGUSER -u PGDATABASE "$TENANTDECK" -r "$TD_REDIS" -p sessions cache counts </dev/null)" \
    'not compared with the rows of PostgreSQL: no database is named' 'without a database it is off'
said=$("$TENANTDECK" -d 'host=/nowhere dbname=x' -r "$TD_REDIS" -p "$work/site.plan" cache counts </dev/null)
like "$said" 'not compared with the rows of PostgreSQL: connection to .*failed: [^.]*$' 'one that is away is said'
like "$said" '^1,204 keys' 'and the keys are counted all the same'

# ---- orphans ----

td_redis >"$work/said" <<'REDIS'
SET tenant:ghost:person:1 v
SET tenant:elsewhere:person:2 v
SET tenant:north:org:x1:visit:v1 v
SET tenant:north:person:1201 v
SET tenant:north:person:9999999999999999999 v
SET "tenant:north:person:1 OR true" v
SET "tenant:north:org:n1:visit:\xff\x00" v
SET "tenant:north:org:n1:visit:'; DROP TABLE people; --" v
SET tenant:north:room:11111111-2222-3333-4444-55555555555 v
SET "tenant:north:later:\x1b[2J" v
REDIS
td cache counts --json >"$work/json"
is "$?" 1 'keys without a row are findings'
is "$(figure 'f[None]')" "(1213, 3, ['tenant:elsewhere:person:2', 'tenant:ghost:person:1', 'tenant:north:org:x1:visit:v1'])" \
    'tenants and organizations that the database does not have, though the file does; queues of others are not asked'
is "$(figure 'f["people"]')" "(1205, 3, ['tenant:north:person:1 OR true', 'tenant:north:person:1201', 'tenant:north:person:9999999999999999999'])" \
    'ids without a row, and such as can be none'
is "$(figure 'f["visits"][:2], f["rooms"][:2], f["later"]')" \
    "((5, 2), (2, 1), (1, 1, ['tenant:north:later:\\\\x1b[2J']))" 'texts, uuids, and in harmless letters'
is "$(td_psql 'SELECT count(*) FROM public.people')" 1200 'nothing was done but to read'
like "$(td cache counts)" "keys of 'rooms' without a row in rooms.id: 1 of 2  tenant:north:room:11111111-2222-3333-4444-55555555555" \
    'a person sees them, too'
said=$(td cache keys --rows 'tenant:north:person:1201*')
like "$said" "keys of 'people' without a row in people.id: 1 of 1  tenant:north:person:1201" 'so does who lists keys'
td_psql 'CREATE ROLE looks LOGIN; GRANT CONNECT ON DATABASE mentoring TO looks' >"$work/said"
said=$("$TENANTDECK" -d "$(echo "$TD_DATABASE" | sed 's/postgres@/looks@/')" -r "$TD_REDIS" -p "$work/site.plan" cache counts </dev/null)
like "$said" "keys of 'people' without a row in people.id: not known: .*permission denied" 'a right that is missing is said'
sed 's/^    row = rooms.id/    row = rooms.id\n    foreign = true/' "$work/site.plan" >"$work/bad.plan"
exits 1 'a plan whose foreign keys have a row is refused' "$TENANTDECK" -p "$work/bad.plan" plan show
done_testing
