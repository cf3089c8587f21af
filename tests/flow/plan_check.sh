#!/bin/bash
# plan check: the shipped plans fit the sample, and whatever is changed in a database so that they
# would not is found, with the right verdict, at the right table. Each change is made in a copy of
# its own; a finding that was there without it does not count.
. "$(dirname "$0")/../lib.sh"

work=$(mktemp -d /tmp/plan_check.XXXXXX)
trap 'rm -rf "$work"' EXIT
td_start_postgres
td_load_demo 0.01
cp "$TD_SRCDIR/data/plans/mentoring.plan" "$work"
printf '%s\n' organization_id,organization_code,tenant_code 1,default_org,default_tenant \
    2,north,north_tenant >"$work/data_codes.csv"

in_database() {
    echo "postgresql://postgres@/$1?host=$PGHOST&port=$PGPORT"
}

# The checks of a plan, one a line: VERDICT GROUP SUBJECT: MESSAGE.
check() {
    "$TENANTDECK" -d "$(in_database "$1")" -p "$2" plan check --json |
        sed -nE 's/^ +"(verdict|group|subject|message)": "(.*)",?$/\1 \2/p' |
        awk '{ field = $1; sub(/^[a-z]+ /, ""); value[field] = $0 }
             field == "message" {
                 print value["verdict"], value["group"], value["subject"] ": " $0
             }'
}

# changed NAME SQL: sets $found to what is found after the change, and was not before it.
changed() {
    td_psql "DROP DATABASE IF EXISTS changed" >"$work/said"
    psql -X -q -d postgres -c 'CREATE DATABASE changed TEMPLATE mentoring' &&
        psql -X -q -v ON_ERROR_STOP=1 -d changed -c "SET client_min_messages = warning; $1" ||
        td_bail "the change could not be made: $1"
    check changed "${2:-$work/mentoring.plan}" >"$work/all"
    [ -s "$work/all" ] || td_bail "nothing was checked after: $1"
    found=$(grep -vxF -f "$work/clean" "$work/all")
}

# finds NAME REGEX SQL
finds() {
    changed "$3"
    like "$found" "$2" "$1"
}

# ---- as it is shipped ----

check mentoring "$work/mentoring.plan" >"$work/clean"
clean=$(cat "$work/clean")
unlike "$clean" '^(fail|unknown) ' 'the shipped plan fits the sample'
like "$clean" '^pass state public: tables without the columns: 26$' 'which has none of the columns'
like "$clean" '^pass mapping .*/data_codes.csv: ' 'the mapping is found beside the plan'
is "$(grep -c '^pass tables ' "$work/clean")" 13 'tables with which nothing is wrong pass'
is "$(grep '^warn keys ' "$work/clean" | grep -vc 'nothing makes id unique today$')" 0 \
    'the only doubt about keys is an id that nothing makes unique'
is "$(sed -n 's/^warn keys \([^:]*\): .*/\1/p' "$work/clean" | sort | tr '\n' ' ')" \
    'availabilities connection_requests connections entity_types feedbacks file_uploads notification_templates question_sets report_role_mapping session_attendees session_request ' \
    'where the old key has more columns than the id, or others'
like "$clean" '^warn references entities: takes its codes by entity_types.id' \
    'a parent that is not unique by itself is named'
like "$clean" '^warn surroundings sessions: read by materialized view m_sessions$' \
    'the materialized view is named'
unlike "$clean" ' coverage ' 'and no table that the plan ignores'
exits 0 'warnings alone are no failure' \
    "$TENANTDECK" -d "$TD_DATABASE" -p "$work/mentoring.plan" plan check

# Every query that a finding offers can be run as it stands.
"$TENANTDECK" -p "$work/mentoring.plan" plan show --json >"$work/plan.json"
{
    echo "\\set plan \`cat $work/plan.json\`"
    echo "SET search_path = pg_catalog, pg_temp;"
    echo "SELECT detail FROM ("
    "$TENANTDECK" sql check_plan | sed -n '/^WITH/,$p' |
        sed -e "s/\$1::jsonb/(:'plan'::jsonb -> 'definition')/" -e 's/;$//'
    echo ") AS checks WHERE detail LIKE 'SELECT %' \\gexec"
    echo "SELECT 'all were run';"
} >"$work/queries.sql"
is "$(psql -X -q -At -v ON_ERROR_STOP=1 -d mentoring -f "$work/queries.sql" 2>&1 | tail -n 1)" \
    'all were run' 'the queries that findings offer can be run'

# ---- tables ----

finds 'a missing table fails' '^fail tables feedbacks: is not in this database$' \
    'DROP TABLE public.feedbacks'
finds 'an optional one does not' '^pass tables modules: is not in this database; the plan calls' \
    'DROP TABLE public.modules'
unlike "$found" '^fail' 'nor does anything else then'
finds 'a view is no table' '^fail tables issues: is a view, not a table$' \
    "DROP TABLE public.issues; CREATE VIEW public.issues AS SELECT 1 AS id, ''::varchar AS user_id"
finds 'a partitioned table is refused' '^fail tables issues: is partitioned' \
    'DROP TABLE public.issues;
     CREATE TABLE public.issues (id int, user_id varchar) PARTITION BY LIST (id)'
finds 'a partition is refused' '^fail tables issues: is a partition' \
    'DROP TABLE public.issues;
     CREATE TABLE public.whole (id int, user_id varchar) PARTITION BY LIST (id);
     CREATE TABLE public.issues PARTITION OF public.whole DEFAULT'
finds 'an unlogged table is named' '^warn tables issues: is unlogged' \
    'ALTER TABLE public.issues SET UNLOGGED'
finds 'one with heirs is refused' '^fail tables issues: has tables that inherit' \
    'CREATE TABLE public.old_issues () INHERITS (public.issues)'
finds 'the user table must be there' \
    '^fail tables user_extensions: is not in this database, and it tells' \
    'DROP TABLE public.user_extensions'
finds 'a schema that is not there is said once' "^fail tables public: there is no schema 'public'$" \
    'ALTER SCHEMA public RENAME TO elsewhere'
is "$(grep -c '^fail' <<<"$found")" 1 'and not once a table'

# ---- coverage ----

finds 'a table with a bearing column is found' \
    '^warn coverage mentor_notes: carries organization_id, user_id, but stands neither' \
    'CREATE TABLE public.mentor_notes (id int PRIMARY KEY, organization_id text, user_id text)'
finds 'so is one that points to a table of the plan' \
    '^warn coverage links: points to sessions, but' \
    'CREATE TABLE public.links (id int, s int REFERENCES public.sessions)'
finds 'names may hold anything' '^warn coverage Odd .*n\\u00E4me\\uD83D\\uDE00: carries user_id' \
    'CREATE TABLE public."Odd ""näme😀" (user_id text)'
changed 'CREATE TABLE public.plain (id int); CREATE SCHEMA other;
         CREATE TABLE other.notes (user_id text); CREATE TABLE public.whole (user_id text)
         PARTITION BY LIST (user_id); CREATE TABLE public.part PARTITION OF public.whole DEFAULT'
is "$(grep -c coverage <<<"$found")" 1 'nothing else is: no plain table, no other schema, no partition'

# ---- columns ----

finds 'a missing source column fails' "^fail columns feedbacks: has no column 'user_id'$" \
    'ALTER TABLE public.feedbacks DROP COLUMN user_id'
finds 'so does a missing column of a key' "^fail columns connections: has no column 'friend_id'$" \
    'ALTER TABLE public.connections DROP COLUMN friend_id'
finds "so does a missing parent's column" "^fail columns sessions: has no column 'id'$" \
    'ALTER TABLE public.sessions DROP COLUMN id CASCADE'
finds 'a present column of another kind fails' \
    "^fail columns issues: has 'tenant_code' already, as integer" \
    'ALTER TABLE public.issues ADD tenant_code int'
finds 'so does one of another length, which the validation would not take' \
    "^fail columns issues: has 'tenant_code' already, as character varying\(64\); the plan says" \
    'ALTER TABLE public.issues ADD tenant_code varchar(64)'
finds 'and one of a domain' "^fail columns issues: has 'tenant_code' already, as public.code; the plan" \
    'CREATE DOMAIN public.code AS varchar(255); ALTER TABLE public.issues ADD tenant_code public.code'
finds 'and one that is generated' "^fail columns issues: has 'tenant_code' already, as a generated column" \
    "ALTER TABLE public.issues ADD tenant_code varchar(255) GENERATED ALWAYS AS ('x') STORED"
finds 'a half migrated database is told' \
    '^warn state public: half migrated: tables without the columns: 24; tables with some of the columns: 1; tables with the columns, NULL allowed: 1$' \
    'ALTER TABLE public.issues ADD tenant_code varchar(255);
     ALTER TABLE public.feedbacks ADD tenant_code varchar(255), ADD organization_code varchar(255)'
unlike "$found" '^(fail|warn) columns' 'and columns of the right type are no finding'

# ---- keys ----

finds 'a function that groups by the old key alone fails' \
    "^fail keys sessions: function 'public.titles\(\)' depends on the old primary key" \
    'CREATE FUNCTION public.titles() RETURNS SETOF text LANGUAGE sql
         BEGIN ATOMIC SELECT s.title FROM public.sessions s GROUP BY s.id; END'
finds 'so does a foreign key that empties columns when a key is changed' \
    "^fail keys sessions: foreign key 'empties' of 'session_attendees' empties columns ON UPDATE, which" \
    'ALTER TABLE public.session_attendees ADD CONSTRAINT empties FOREIGN KEY (session_id)
         REFERENCES public.sessions (id) ON UPDATE SET NULL'
finds 'so does a publication of some columns, which the new key would turn against every UPDATE' \
    "^fail keys sessions: publication 'part' would refuse .*it lists columns, and not tenant_code of" \
    'CREATE PUBLICATION part FOR TABLE public.sessions (id, title)'
finds 'and one whose WHERE reads what the new key lacks' \
    "^fail keys session_attendees: publication 'part' would refuse .*its WHERE reads mentee_id, which" \
    "CREATE PUBLICATION part FOR TABLE public.session_attendees WHERE (mentee_id <> '1')"
changed "CREATE PUBLICATION part FOR TABLE public.sessions WHERE (id > 5);
         CREATE PUBLICATION others FOR TABLE public.sessions (id, title) WITH (publish = 'insert')"
unlike "$found" '^fail' 'one that stays possible does not'

finds 'a unique index without a form in the plan is named' \
    "^warn keys sessions: unique index 'one_title' \(id, title\) has no form with tenant_code" \
    'CREATE UNIQUE INDEX one_title ON public.sessions (id, title)'
finds 'so is one with an expression' "^warn keys user_extensions: unique index 'one_mail' \(an exp" \
    'CREATE UNIQUE INDEX one_mail ON public.user_extensions (lower(email))'
finds 'a unique index that is not there to be replaced is named' \
    "^warn keys entities: there is no unique index 'unique_entities_value'" \
    'DROP INDEX public.unique_entities_value'
like "$found" '^warn keys entities: the new unique \(tenant_code, value, entity_type_id\) may meet' \
    'and that nothing proves the new one'
finds 'NULL in a new primary key is seen' "^warn keys issues: 'id' is in the new primary key and may" \
    'ALTER TABLE public.issues DROP CONSTRAINT issues_pkey, ALTER id DROP NOT NULL'
finds "another table's foreign key is in the way" \
    "^fail keys sessions: foreign key 'links_s_fkey' of 'links' depends on the old primary key$" \
    'CREATE TABLE public.links (id int, s int REFERENCES public.sessions)'
finds 'unless the plan makes it anew' '^$' \
    'ALTER TABLE public.session_attendees ADD FOREIGN KEY (session_id) REFERENCES public.sessions'
finds 'a view that groups by the key is in the way' \
    "^fail keys sessions: view 'titles' depends on the old primary key$" \
    'CREATE VIEW public.titles AS SELECT id, title, count(*) FROM public.sessions GROUP BY id'

# ---- references ----

finds 'columns that cannot be compared fail' \
    '^fail references session_attendees: its foreign key compares session_id \(character varying\(20\)\) with sessions.id \(integer\)$' \
    'ALTER TABLE public.session_attendees ALTER session_id TYPE varchar(20)'
finds 'integer and bigint are named' \
    '^warn references resources: it finds its codes by comparing session_id \(bigint\) with' \
    'ALTER TABLE public.resources ALTER session_id TYPE bigint'
finds 'a user that is not unique is named' \
    '^warn references feedbacks: takes its codes by user_extensions.user_id, which nothing makes' \
    'ALTER TABLE public.user_extensions DROP CONSTRAINT user_extensions_pkey'

# ---- surroundings ----

td_touch="CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql
          AS 'BEGIN RETURN new; END'; CREATE TRIGGER touch BEFORE"
finds 'a trigger that would fire is named' \
    '^warn surroundings sessions: a trigger would fire .*: touch \(always\)$' \
    "$td_touch UPDATE ON public.sessions FOR EACH ROW EXECUTE FUNCTION public.touch();
     ALTER TABLE public.sessions ENABLE ALWAYS TRIGGER touch"
finds 'one that would not is none' '^$' \
    "$td_touch INSERT ON public.sessions FOR EACH ROW EXECUTE FUNCTION public.touch()"
finds 'nor is one that is switched off' '^$' \
    "$td_touch UPDATE ON public.sessions FOR EACH ROW EXECUTE FUNCTION public.touch();
     ALTER TABLE public.sessions DISABLE TRIGGER touch"
finds 'views are named' \
    '^warn surroundings feedbacks: read by view other.replies$' \
    'CREATE SCHEMA other; CREATE VIEW other.replies AS SELECT id FROM public.feedbacks'
finds 'row level security is named' \
    '^warn surroundings issues: has row level security, for its owner too$' \
    'ALTER TABLE public.issues ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY'

# ---- plans that do not fit, and one that says something else ----

# plan TEXT: a plan of one's own, in $work/own.plan.
plan() {
    printf '%s\n' '[plan]' 'name = own' 'kind = columns' "${2:-}" '[mapping]' \
        'file = data_codes.csv' 'key = organization_id' 'default = tenant' \
        '[column "tenant_code"]' 'type = varchar(255)' "$1" >"$work/own.plan"
}
plan '[table "roles"]
    from = constant
    primary key = id
    unique = title'
changed 'CREATE TABLE public.roles (id int PRIMARY KEY, title text UNIQUE)' "$work/own.plan"
like "$found" '^fail keys roles: the new primary key \(id\) lacks tenant_code$' \
    'a primary key without the tenant fails'
like "$found" '^warn keys roles: the new unique \(title\) lacks tenant_code$' \
    'a unique without it is named'
plan "$(sed -n '/^\[table/,$p' "$work/own.plan")" 'distribute = true'
changed 'CREATE TABLE public.roles (id int PRIMARY KEY, title text UNIQUE)' "$work/own.plan"
like "$found" '^fail keys roles: the new unique \(title\) lacks tenant_code$' \
    'which fails where the table is to be distributed'
plan '[table "roles"]
    from = constant
    primary key = tenant_code title'
changed 'CREATE TABLE public.roles (id int PRIMARY KEY, title text UNIQUE)' "$work/own.plan"
like "$found" "^warn keys roles: what the old primary key 'roles_pkey' \(id\) keeps unique is uni" \
    'uniqueness that would be lost is named'
plan '[table "roles"]
    from = constant
    primary key = tenant_code id
[table "grants"]
    from = parent roles.id by role
    foreign key = tenant_code role -> roles tenant_code title'
changed 'CREATE TABLE public.roles (id int PRIMARY KEY, title text);
         CREATE TABLE public.grants (role int)' "$work/own.plan"
like "$found" '^fail references grants: its foreign key points to roles \(tenant_code, title\), and' \
    'a foreign key to what is not unique fails'

plan '[table "roles"]
    from = constant
    optional = true
[table "grants"]
    from = parent roles.id by role'
changed 'CREATE TABLE public.grants (role int)' "$work/own.plan"
like "$found" "^fail tables grants: takes its codes from 'roles', which is not in this database$" \
    'a parent that is optional and missing fails where it is needed'

plan '[table "roles"]
    from = constant
    primary key = tenant_code id
    unique = tenant_code title replacing roles_title
[table "grants"]
    from = parent roles.id by role
    foreign key = tenant_code role -> roles tenant_code id'
changed "CREATE TABLE public.roles (id int, title text, deleted_at date,
             tenant_code varchar(255) NOT NULL, PRIMARY KEY (tenant_code, id));
         CREATE UNIQUE INDEX ON public.roles (tenant_code, title) WHERE deleted_at IS NULL;
         CREATE TABLE public.grants (role int, tenant_code varchar(255) NOT NULL,
             FOREIGN KEY (tenant_code, role) REFERENCES public.roles)" "$work/own.plan"
unlike "$found" '^(warn|fail) [^ ]+ (public|roles|grants):' 'a database that is migrated fits'
like "$found" '^pass state public: tables with the columns, NOT NULL as planned: 2$' 'and is told so'

cp "$TD_SRCDIR/data/plans/chat.plan" "$work"
printf '%s\n' user_id,tenant_code 7,north >"$work/user_tenant_mapping.csv"
createdb chat
psql -X -q -d chat -c 'CREATE TABLE users (user_id varchar(255) PRIMARY KEY, user_info jsonb)'
unlike "$(check chat "$work/chat.plan")" '^(warn|fail)' 'the chat plan fits its database'
exits 1 'and not another one' "$TENANTDECK" -d "$TD_DATABASE" -p "$work/chat.plan" plan check

done_testing
