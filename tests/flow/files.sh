#!/bin/sh
# The plan's own .sql files: functions and each tenant's materialized views are made from them, left
# where they stand already, replaced where they differ, and taken back to the letter.
. "$(dirname "$0")/../lib.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
XDG_STATE_HOME=$work/state
export XDG_STATE_HOME
td_start_postgres

td_psql "CREATE ROLE app;
         GRANT CREATE, USAGE ON SCHEMA public TO app;
         CREATE TABLE public.t (id int PRIMARY KEY, org text NOT NULL, tenant_code text, title text);
         ALTER TABLE public.t OWNER TO app;
         INSERT INTO public.t VALUES (1, '1', 'north', 'a'), (2, '1', 'north', 'b'), (3, '2', 'So\"uth; DROP TABLE t', 'c');
         CREATE MATERIALIZED VIEW public.m_t AS SELECT * FROM public.t;
         CREATE FUNCTION public.keys(input jsonb) RETURNS int LANGUAGE sql AS 'SELECT 1';
         COMMENT ON FUNCTION public.keys(jsonb) IS 'as it was, ''here''';
         ALTER FUNCTION public.keys(jsonb) OWNER TO app"
printf 'key,tenant_code\n1,north\n2,"So""uth; DROP TABLE t"\n' >"$work/codes.csv"
cat >"$work/site.plan" <<'PLAN'
[plan]
    name = site
    kind = columns
[mapping]
    file = codes.csv
    key = key
[column "tenant_code"]
    type = text
[table "t"]
    from = own org
[functions]
    file = functions.sql
[views]
    file = views.sql
PLAN

td() {
    "$TENANTDECK" -d "$TD_DATABASE" -p "$work/site.plan" --operator --yes "$@" </dev/null
}

picture() {
    pg_dump --schema-only -N tenantdeck -d "$TD_DATABASE" | grep -v '^\\\(un\)\?restrict '
}

# The undo statements that are kept, as the journal has them, run backwards.
undo_all() {
    td_psql "SELECT statement || ';' FROM tenantdeck.undo WHERE state = 'kept' ORDER BY id DESC" >"$work/undo.sql"
    psql -X -q -1 -v ON_ERROR_STOP=1 -d "$TD_DATABASE" -f "$work/undo.sql" >"$work/said" 2>&1 &&
        td_psql "UPDATE tenantdeck.undo SET state = 'undone', settled_at = clock_timestamp()
                  WHERE state = 'kept'"
}

# What comes before in a plan is not what is tried here.
runs 'the journal is made' td journal create
td_psql "INSERT INTO tenantdeck.mapping VALUES ('site', '1', NULL, 'north'),
                                               ('site', '2', NULL, 'So\"uth; DROP TABLE t');
         $(td_done_before site preflight,mapping,integrity,columns,fill,confirm,not-null,keys,indexes)"
picture >"$work/before"

# ---- functions ----

functions() {
    cat >"$work/functions.sql"
}

functions <<'SQL'
-- One is there already, one is not.
CREATE OR REPLACE FUNCTION :"schema".keys(input jsonb) RETURNS int
LANGUAGE plpgsql AS $$ BEGIN RETURN 2; /* ; */ END $$;
COMMENT ON FUNCTION :"schema".keys(jsonb) IS 'as it is';
CREATE OR REPLACE FUNCTION :"schema"."new; one"(text, VARIADIC int[]) RETURNS text
LANGUAGE sql BEGIN ATOMIC SELECT 'x;'; END;
SQL
runs 'the functions are made' td run functions
like "$(td_step functions)" '^done: $' 'and the step is done'
is "$(td_psql "SELECT public.keys('{}'), public.\"new; one\"('a', 1)")" '2|x;' 'they do what the file says'
is "$(td_psql "SELECT object_type, object, definition IS NULL FROM tenantdeck.undo ORDER BY object")" \
    'function|public."new; one"(pg_catalog.text,integer[])|t
function|public.keys(pg_catalog.jsonb)|f' 'what was there is kept, of both'
is "$(td_psql "SELECT DISTINCT proowner::regrole FROM pg_proc WHERE pronamespace = 'public'::regnamespace
                  AND proname IN ('keys', 'new; one')")" app \
    'the new one belongs to the owner of the tables, too'
stand=$(td_psql "SELECT xmin FROM pg_proc WHERE proname IN ('keys', 'new; one') ORDER BY 1")
runs 'a second time' td run functions
like "$(td_events)" 'functions.sql: what it makes is there already' 'they are found to be there'
is "$(td_psql "SELECT xmin FROM pg_proc WHERE proname IN ('keys', 'new; one') ORDER BY 1")" "$stand" \
    'and are not written again'
runs 'undo' undo_all
picture >"$work/after"
runs 'leaves the schema as it was, to the letter' diff "$work/before" "$work/after"

# refused NAME TEXT: the file is refused with these words, and nothing is changed.
refused() {
    exits 1 "$1" td run functions
    like "$(td_step functions)" "$2" 'which says so'
    picture >"$work/after"
    runs 'and nothing is changed' diff "$work/before" "$work/after"
}

functions <<'SQL'
CREATE OR REPLACE FUNCTION :"schema".keys(input jsonb) RETURNS int LANGUAGE sql AS 'SELECT 2';
COMMIT;
SQL
refused 'a file that would end the transaction' '^failed: .*/functions.sql:2: .*holds only CREATE'
functions <<'SQL'
CREATE OR REPLACE FUNCTION :"schema".keys(input jsonb) RETURNS int LANGUAGE sql AS 'SELECT 2';
CREATE FUNCTION keys(text) RETURNS int LANGUAGE sql AS 'SELECT 2';
SQL
refused 'a function of the system' "'pg_catalog.keys\(pg_catalog.text\)' would stand among the system's own"
functions <<'SQL'
CREATE OR REPLACE FUNCTION :"schema".other() RETURNS int LANGUAGE sql AS 'SELECT 2';

CREATE OR REPLACE FUNCTION :"schema".keys(input jsonb) RETURNS text LANGUAGE sql AS 'SELECT 2';
SQL
refused 'what the server does not take' 'functions.sql:3: .*cannot change return type'
functions <<'SQL'
CREATE OR REPLACE FUNCTION :"schema".other() RETURNS int LANGUAGE sql AS :'tenant';
SQL
refused 'a variable that is not known' "functions.sql:1: the variable 'tenant' is not known here"
rm "$work/functions.sql"
refused 'no file' 'functions.sql'
functions <<'SQL'
CREATE OR REPLACE FUNCTION :"schema".other() RETURNS int LANGUAGE sql AS 'SELECT 2';
SQL
runs 'a file that is right goes on' td run functions
undo_all

# ---- views ----

views() {
    cat >"$work/views.sql"
}

views <<'SQL'
CREATE MATERIALIZED VIEW :"schema".:"m_t" AS
SELECT id, title, tenant_code FROM :"schema".t WHERE tenant_code = :'tenant' WITH NO DATA;
COMMENT ON MATERIALIZED VIEW :"schema".:"m_t" IS 'one tenant''s; :''tenant''';
CREATE UNIQUE INDEX :"unique_t" ON :"schema".:"m_t" (id);
CREATE INDEX :"idx_t_title" ON :"schema".:"m_t" (title) WHERE id > 0;
SQL
runs 'the views are built' td run views
like "$(td_step views)" '^done: $' 'and the step is done'
south='public."So""uth; DROP TABLE t_m_t"'
is "$(td_psql "SELECT id FROM public.north_m_t ORDER BY 1"; td_psql "SELECT id FROM $south")" '1
2
3' 'each holds the rows of its tenant'
is "$(td_psql "SELECT indexname FROM pg_indexes WHERE tablename = 'north_m_t' ORDER BY 1")" \
    'north_idx_t_title
north_unique_t' 'its indexes are named after the tenant, too'
is "$(td_psql "SELECT DISTINCT matviewowner FROM pg_matviews WHERE matviewname LIKE '%\_m\_t'")" app \
    'they belong to the owner of the tables'
like "$(td_events)" "^warn the materialized view 'm_t' of before is left.*: DROP MATERIALIZED VIEW public.m_t" \
    'the view of before is left, with a word about it'
is "$(td_psql "SELECT count(*) FROM public.m_t")" 3 'and holds what it held'

stand() {
    td_psql "SELECT relname, oid FROM pg_class WHERE relname LIKE 'north%' OR relname LIKE 'So%' ORDER BY 1"
}
stood=$(stand)
td_psql "INSERT INTO public.t VALUES (4, '1', 'north', 'd')"
runs 'a second time' td run views
is "$(stand)" "$stood" 'they stay'
is "$(td_psql "SELECT count(*) FROM public.north_m_t")" 3 'and have the rows of today'
like "$(td_events)" 'views.sql for north: was there already, and is refreshed' 'as the log says'

td_psql "DROP INDEX public.north_unique_t; CREATE INDEX north_unique_t ON public.north_m_t (id);
         ALTER MATERIALIZED VIEW public.north_m_t SET (fillfactor = 70);
         GRANT SELECT ON public.north_m_t TO PUBLIC;
         COMMENT ON INDEX public.north_idx_t_title IS 'a, b'; COMMENT ON COLUMN public.north_m_t.id IS 'c'"
td_psql "UPDATE tenantdeck.undo SET state = 'dropped', settled_at = clock_timestamp() WHERE state = 'kept'"
picture >"$work/changed"
runs 'where an index is another than the file has' td run views
like "$(td_psql "SELECT indexdef FROM pg_indexes WHERE indexname = 'north_unique_t'")" '^CREATE UNIQUE' \
    'the view is built anew'
is "$(stand | grep -c '^So')" 3 'and only that'
is "$(stand | grep '^So')" "$(echo "$stood" | grep '^So')" 'the other tenant has kept its own'
runs 'undo' undo_all
picture >"$work/after"
runs 'brings back what was there, to the letter' diff "$work/changed" "$work/after"
td_psql "DROP MATERIALIZED VIEW public.north_m_t, $south"

# nothing_of NAME TEXT: the same for views.
nothing_of() {
    picture >"$work/before"
    exits 1 "$1" td run views
    like "$(td_step views)" "$2" 'which says so'
    picture >"$work/after"
    runs 'and nothing is made' diff "$work/before" "$work/after"
}

views <<'SQL'
CREATE MATERIALIZED VIEW :"schema".:"m_t" AS SELECT 1 AS id;
CREATE INDEX ON :"schema".:"m_t" (id);
SQL
nothing_of 'an index without a name' "'So\"uth; DROP TABLE t_m_t': an index on it has no name"
views <<'SQL'
CREATE MATERIALIZED VIEW :"schema".:"m_t" AS SELECT 1 AS id;
CREATE MATERIALIZED VIEW :"schema".fixed AS SELECT 1 AS id;
SQL
nothing_of 'a view of all tenants' "makes something whose name is not the tenant's own"
views <<'SQL'
CREATE MATERIALIZED VIEW :"schema".:"m_t" AS SELECT 1 AS id;
DROP TABLE :"schema".t;
SQL
nothing_of 'anything else than views' 'views.sql:2: .*holds only CREATE MATERIALIZED VIEW'
views <<'SQL'
CREATE MATERIALIZED VIEW :"schema".:"a_name_of_a_good_forty_four_bytes_is_too_long" AS SELECT 1 AS id;
SQL
nothing_of 'a name over 63 bytes' 'has 66 bytes.*nothing was made'
views <<'SQL'
CREATE MATERIALIZED VIEW :"schema".:"m" AS SELECT 1 AS id;
CREATE MATERIALIZED VIEW :"schema".:"b_m" AS SELECT 2 AS id;
SQL
td_psql "INSERT INTO tenantdeck.mapping (plan, key, organization_code, tenant_code)
         SELECT plan, 'north b', organization_code, 'north_b' FROM tenantdeck.mapping LIMIT 1"
nothing_of 'a name that two tenants would give' "'north_b_m' would be the name for two tenants.*nothing was made"
td_psql "DELETE FROM tenantdeck.mapping WHERE key = 'north b'"
views <<'SQL'
CREATE MATERIALIZED VIEW :"schema".:"m_t" AS SELECT 1 AS id;
SQL
td_psql "CREATE TABLE public.north_m_t (id int)"
picture >"$work/before"
exits 1 'a table that has the name already' td run views
like "$(td_step views)" "'north_m_t': something else than a materialized view" 'is not touched'
td_psql "SELECT 1 FROM public.north_m_t" >"$work/said"
ok $? 'and is there'
td_psql "DROP TABLE public.north_m_t"
undo_all
td_psql "DELETE FROM tenantdeck.mapping"
nothing_of 'without tenants' 'the journal knows no tenant'
is "$(td_psql "SELECT count(*) FROM pg_class WHERE relname LIKE 'tenantdeck_scratch%'")" 0 'no scratch is left'

# ---- the files that are shipped, on the sample ----

createdb sample
td_start_redis
sample="postgresql://postgres@/sample?host=$PGHOST&port=$PGPORT"
"$TENANTDECK" -d "$sample" --operator --yes demo load --scale 0.05 >"$work/said" 2>&1 ||
    td_bail "the sample could not be loaded: $(cat "$work/said")"
"$TENANTDECK" -d "$sample" --operator --yes journal create >"$work/said" 2>&1
mkdir "$work/shipped"
cp "$TD_SRCDIR"/data/plans/mentoring* "$work/shipped"
echo organization_id,organization_code,tenant_code >"$work/shipped/data_codes.csv"
psql -X -At -F, -d "$sample" -c "$("$TENANTDECK" sql demo_mentoring_codes | sed '/^--/d')" \
    >>"$work/shipped/data_codes.csv"
psql -X -q -v ON_ERROR_STOP=1 -d "$sample" <<SQL || td_bail 'the sample could not be prepared'
INSERT INTO tenantdeck.mapping (plan, key, organization_code, tenant_code)
SELECT 'mentoring', * FROM (VALUES $(sed -n "2,\$s/\(.*\),\(.*\),\(.*\)/('\1', '\2', '\3')/p" \
    "$work/shipped/data_codes.csv" | paste -sd,)) AS codes;
ALTER TABLE user_extensions ADD tenant_code varchar(255), ADD organization_code varchar(255);
ALTER TABLE organization_extension ADD tenant_code varchar(255), ADD organization_code varchar(255);
ALTER TABLE sessions ADD tenant_code varchar(255);
UPDATE user_extensions SET (tenant_code, organization_code) =
    (SELECT tenant_code, organization_code FROM tenantdeck.mapping WHERE key = organization_id);
UPDATE organization_extension SET (tenant_code, organization_code) =
    (SELECT tenant_code, organization_code FROM tenantdeck.mapping WHERE key = organization_id);
UPDATE sessions SET tenant_code =
    (SELECT u.tenant_code FROM user_extensions u WHERE u.user_id = sessions.created_by);
$(td_done_before mentoring preflight,mapping,integrity,columns,fill,confirm,not-null,keys,indexes,foreign-keys)
SQL

shipped() {
    "$TENANTDECK" -d "$sample" -r "$TD_REDIS" -p "$work/shipped/mentoring.plan" --operator --yes run "$1" \
        </dev/null
}

ask() {
    psql -X -q -At -d "$sample" -c "$1" 2>&1
}

runs 'the shipped functions are made' shipped functions
is "$(ask "SELECT public.transform_jsonb_to_text_array('{\"a\": 1, \"b\": 2}'),
                  public.transform_jsonb_to_text_array('[\"x\", \"y\"]'),
                  public.transform_jsonb_to_text_array('7'), public.transform_jsonb_to_text_array(NULL)")" \
    '{a,b}|{x,y}|{}|{}' 'and flatten what the service has them flatten'
runs 'the shipped views are built' shipped views
is "$(ask "SELECT count(*) FROM pg_matviews WHERE matviewname ~ '^.+_m_(sessions|user_extensions)\$'
             AND ispopulated")" 12 'two for each of the six tenants'
rows=$(ask "SELECT sum((xpath('/row/n/text()', query_to_xml(format(
                'SELECT count(*) AS n FROM public.%I', matviewname), false, true, '')))[1]::text::bigint)
              FROM pg_matviews WHERE matviewname ~ '_m_sessions\$'")
is "$rows" "$(ask "SELECT count(*) FROM sessions WHERE deleted_at IS NULL AND tenant_code IS NOT NULL")" \
    'which together hold each session once'
runs 'the shipped cache is warmed' shipped cache-warm
is "$(td_redis DBSIZE)" "$(ask 'SELECT count(*) FROM organization_extension WHERE tenant_code IS NOT NULL')" \
    'with a key for each organization'
like "$(td_redis --scan | head -n 1 | xargs redis-cli -s "$TD_REDIS_SOCKET" GET)" \
    '"updated_at": ?"[0-9-]+T[0-9:.]+Z"' 'as the service would keep it'

shown=$("$TENANTDECK" -d "$sample" -p "$work/shipped/mentoring.plan" plan sql functions views cache-warm 2>&1)
like "$shown" 'CREATE OR REPLACE FUNCTION "public".transform_jsonb_to_text_array' \
    'a dry run prints the functions as they are sent'
like "$shown" 'CREATE MATERIALIZED VIEW :"schema".:"m_sessions" AS' 'the template of the views'
like "$shown" "^-- :\"m_sessions\" is the tenant's code, '_' and m_sessions; built as" 'and what it stands for'
like "$shown" '^-- each row is set in Redis as tenant:\{tenant\}:org:\{org\}:organizations:\{id\}' \
    'the query that warms, and its keys'

td_redis SET tenant:north_schools:org:x:mentor:1 v >"$work/said"
runs 'a rollback' "$TENANTDECK" -d "$sample" -r "$TD_REDIS" -p "$work/shipped/mentoring.plan" --operator \
    rollback --confirm=sample
is "$(td_redis --scan)" tenant:north_schools:org:x:mentor:1 'removes the keys that fit the warmed template'
is "$(ask "SELECT count(*) FROM pg_matviews WHERE schemaname = 'public'"
    ask "SELECT count(*) FROM pg_proc WHERE proname LIKE 'transform%'")" '1
0' 'the views but the one of before, and the function'

# ---- what a file would be refused for in its turn is told before the first table is touched ----

early() {
    "$TENANTDECK" -d "postgresql://postgres@/early?host=$PGHOST&port=$PGPORT" -p "$work/early/site.plan" \
        --yes migrate --no-backup 2>&1
}
refused_early() { # NAME REGEX STEP
    said=$(early)
    like "$said" "$2" "$1"
    like "$said" "step '$3' did not come to its end" "by $3"
    is "$(psql -X -At -d early -c "SELECT count(*) FROM pg_attribute
                                    WHERE attrelid = 't'::regclass AND attname = 'tenant_code'")" 0 \
        'and no table was touched'
}
mkdir "$work/early"
cp "$work/site.plan" "$work/early"
psql -X -q -d postgres -c 'CREATE DATABASE early'
psql -X -q -d early -c 'CREATE TABLE t (id int PRIMARY KEY, org text NOT NULL)' -c "INSERT INTO t VALUES (1, '1')"
printf 'key,tenant_code\n1,%s\n' "$(printf 'ü%.0s' $(seq 30))" >"$work/early/codes.csv"
refused_early 'a file of functions that is not there is told' "no table was touched: .*functions.sql' could not be opened" preflight
echo 'DROP TABLE t;' >"$work/early/functions.sql"
refused_early 'so is one that holds something else' 'no table was touched: .*/functions.sql:1: a file of .functions. holds only' preflight
echo "CREATE FUNCTION :\"schema\".one() RETURNS int LANGUAGE sql AS 'SELECT 1';" >"$work/early/functions.sql"
refused_early 'a file of views that is not there as well' "no table was touched: .*views.sql' could not be opened" preflight
echo "CREATE MATERIALIZED VIEW :\"schema\".:\"m_t\" AS SELECT * FROM :\"schema\".t WHERE tenant_code = :'tenant';" \
    >"$work/early/views.sql"
refused_early 'a code with which the name of a view is too long' \
    "no table was touched: .*/views.sql:1: 'ü{30}_m_t' has 64 bytes, and a name of PostgreSQL at most 63" integrity
printf 'key,tenant_code\n1,north\n' >"$work/early/codes.csv"
said=$(early)
ok $? 'with all of it mended the migration goes through' || td_note "$(echo "$said" | tail -n 3)"

done_testing
