#!/bin/bash
# The checks of data: integrity, confirm, validate and state. On clean databases none of them says
# anything; whatever is planted, each in a copy of its own, is found with table, count and samples. The
# migrated database is made by plain SQL (migrate_by_hand.sql), not by what is tested.
. "$(dirname "$0")/../lib.sh"

work=$(mktemp -d /tmp/checks.XXXXXX)
trap 'rm -rf "$work"' EXIT
td_start_postgres
PGOPTIONS='-c client_min_messages=warning'
export PGOPTIONS
td_load_demo 0.05

"$TENANTDECK" -p "$TD_SRCDIR/data/plans/mentoring.plan" plan show --json >"$work/shown.json"
psql -X -q -At -d mentoring >"$work/plan.json" <<END
\\set shown \`cat $work/shown.json\`
SELECT :'shown'::jsonb -> 'definition';
END
for name in integrity confirm validate state; do
    "$TENANTDECK" sql "check_$name" | sed '/^--/d' >"$work/$name.sql"
    [ -s "$work/$name.sql" ] || td_bail "there is no statement check_$name"
done
plan=$work/plan.json

# ---- how they are asked ----

# The plan, changed by an expression over :'plan'::jsonb; sets $plan.
change_plan() {
    plan=$work/changed.json
    { echo "\\set plan \`cat $work/plan.json\`"; echo "SELECT $1;"; } |
        psql -X -q -At -d mentoring >"$plan" || td_bail "the plan could not be changed: $1"
}

# Sets a member of a table of the plan: table_member TABLE MEMBER JSON.
table_member() {
    change_plan "jsonb_set(:'plan'::jsonb, '{tables}', (SELECT jsonb_agg(CASE WHEN t.doc ->> 'name' = '$1'
        THEN jsonb_set(t.doc, '{$2}', '$3') ELSE t.doc END ORDER BY t.place)
        FROM jsonb_array_elements(:'plan'::jsonb -> 'tables') WITH ORDINALITY AS t (doc, place)))"
}

# check DATABASE CHECK [MODE]: one line a check, VERDICT GROUP NAME SUBJECT [COUNT]: MESSAGE {SAMPLES}.
# The queries are run as they stand, under the settings of the program's sessions.
check() {
    {
        echo "\\set plan \`cat $plan\`"
        echo 'SET search_path = pg_catalog, pg_temp; SET row_security = off; SET jit = off;'
        echo 'PREPARE asked AS'
        cat "$work/$2.sql"
        echo "CREATE TEMPORARY TABLE answer AS EXECUTE asked(:'plan', '${3:-window}');"
        cat <<'END'
ALTER TABLE pg_temp.answer ADD number integer GENERATED ALWAYS AS IDENTITY;
DO $$
DECLARE
    a record;
    said record;
BEGIN
    FOR a IN SELECT * FROM pg_temp.answer WHERE verdict IS NULL LOOP
        EXECUTE a.query INTO STRICT said;
        UPDATE pg_temp.answer SET verdict = said.verdict, count = said.count,
               message = said.message, samples = said.samples
         WHERE number = a.number;
    END LOOP;
END $$;
SELECT format('%s %s %s %s [%s]: %s %s', verdict, check_group, check_name, subject, count, message, samples)
  FROM pg_temp.answer ORDER BY number;
END
    } | psql -X -q -At -v ON_ERROR_STOP=1 -d "$1" 2>&1
}

# copy TEMPLATE SQL: database `changed`, with the change made.
copy() {
    psql -X -q -d postgres -c 'DROP DATABASE IF EXISTS changed' \
        -c "CREATE DATABASE changed TEMPLATE $1" &&
        psql -X -q -v ON_ERROR_STOP=1 -d changed -c "$2" >"$work/said" 2>&1 ||
        td_bail "the change could not be made: $2: $(cat "$work/said")"
}

# finds NAME REGEX TEMPLATE CHECK[:MODE] SQL: after the change there is such a line, that was not there.
finds() {
    copy "$3" "$5"
    mode=${4#*:}
    [ "$mode" = "$4" ] && mode=window
    found=$(check changed "${4%:*}" "$mode" | grep -vxF -f "$work/clean")
    like "$found" "$2" "$1"
}

# alone N NAME: the last finds() has found N things.
alone() {
    is "$(grep -cE '^(fail|warn|unknown|ERROR)' <<<"$found")" "$1" "and nothing else is said: $2" ||
        td_note "$found"
}

# ---- the databases ----

# Rows of the mapping come from the sample's own list.
load_mapping() {
    {
        "$TENANTDECK" sql journal_upgrade_1
        "$TENANTDECK" sql journal_upgrade_2
        "$TENANTDECK" sql journal_upgrade_3
    } | psql -X -q -1 -v ON_ERROR_STOP=1 -d "$1" >"$work/said" 2>&1 || td_bail "no journal: $(cat "$work/said")"
    psql -X -q -At -v ON_ERROR_STOP=1 -d "$1" -c "
        INSERT INTO tenantdeck.mapping (plan, key, organization_code, tenant_code)
        SELECT 'mentoring', c.* FROM ($("$TENANTDECK" sql demo_mentoring_codes | sed -e '/^--/d' -e 's/;$//'))
               AS c (organization_id, organization_code, tenant_code)" || td_bail 'no mapping'
}

load_mapping mentoring
createdb -T mentoring migrated
{ echo "\\set plan \`cat $plan\`"; cat "$TD_SRCDIR/tests/flow/migrate_by_hand.sql"; } |
    psql -X -q -v ON_ERROR_STOP=1 -d migrated >"$work/said" 2>&1 ||
    td_bail "the migration by hand failed: $(cat "$work/said")"
createdb dirty
TD_DATABASE="postgresql://postgres@/dirty?host=$PGHOST&port=$PGPORT" td_load_demo 0.05 dirty
load_mapping dirty

for of in 'mentoring integrity' 'mentoring state' 'migrated confirm' 'migrated validate'; do
    # shellcheck disable=SC2086 # two words
    check $of >"$work/${of/ /_}"
    unlike "$(cat "$work/${of/ /_}")" '^(fail|warn|unknown|ERROR)' "${of#* }: no false alarm on ${of% *}"
done
cat "$work"/{mentoring_integrity,migrated_confirm,migrated_validate} >"$work/clean"
is "$(grep -c '^pass completeness codes .*: all [0-9]* rows have .*as many as before' "$work/clean")" 26 \
    'confirm has looked at every table'
is "$(grep -c '^pass structure ' "$work/clean"),$(grep -c '^pass indexes ' "$work/clean"),$(
    grep -c '^pass references foreign keys ' "$work/clean")" 26,26,4 'validate too, one row a table and group'
is "$(grep -c '^pass rows rows before ' "$work/clean")" 26 'the rows of each table are counted'
like "$(cat "$work/clean")" '^pass rows rows before sessions \[1000\]: 1000 rows' 'rightly'
like "$(cat "$work/clean")" 'codes sessions .*"rows": 390, "tenant": "shikshalokam_tenant"' \
    'and told by tenant'
is "$(check mentoring confirm | grep -c '^fail completeness codes .* there is no column')" 26 \
    'confirm fails on a database that was never migrated'
is "$(check mentoring validate | grep -c '^fail structure .*there is no column .*its primary key is')" 26 \
    'so does validate, at every table'

# ---- integrity ----

found=$(check dirty integrity)
dirty() {
    like "$found" "$1" "dirty data: $2"
}
dirty '^fail references keys organization_extension \[1\]: organization_id is not in the mapping .*"21"' \
    'an organization in no mapping'
dirty '^fail references keys user_extensions \[15\]: .*rows: 15, values: 2' 'users of such ones'
dirty '^fail references keys forms \[2\]: .*"organization_id": "77"' 'an organization known to nobody else'
dirty '^warn references users sessions \[25\]: created_by is NULL \(rows: 12\); created_by is 0 \(rows: 8\); created_by is no user of user_extensions \(rows: 5, values: 1\); they get the default: default_org default_tenant \[' \
    'creators: none, the system, nobody'
dirty '^warn references keys reports \[2\]: organization_id is NULL \(rows: 2\); they get the default' \
    'reports of no organization'
dirty '^warn references users feedbacks \[3\]: .*"990003"' 'feedbacks of nobody'
dirty '^warn references users questions \[8\]' "the service's own seed"
dirty '^fail references parents session_attendees \[6\]: session_id is not in sessions .*refuses' \
    'attendees of no session'
dirty '^fail references parents post_session_details \[3\]' 'details of no session'
dirty '^fail references parents resources \[2\]' 'resources of no session'
dirty '^fail references parents entities \[4\]: entity_type_id is not in entity_types' 'entities of no type'
dirty '^fail keys primary key \(tenant_code, id\) session_attendees \[2\]: .*"id": 12, "rows": 2' \
    'two attendees with one id'
dirty '^fail keys primary key \(tenant_code, id\) availabilities \[2\]' 'two availabilities of a tenant'
dirty '^warn isolation tenant of mentee_id session_attendees \[118\]: .*they go with sessions' \
    'attendees of another tenant than the session'
dirty '^warn isolation tenant of created_by resources .*"id": 8, "goes to"' 'resources put there by others'
is "$(grep -cE '^(fail|warn|unknown|ERROR)' <<<"$found")" 17 'and nothing else'

# As tables are asked that Citus has spread, where no ctid tells a row: the same is found.
change_plan "jsonb_set(:'plan'::jsonb, '{distribute}', 'true')"
check dirty integrity >"$work/spread"
is "$(sed 's/ \[{.*//' "$work/spread")" "$(sed 's/ \[{.*//' <<<"$found")" 'spread over a cluster: the same is found'
like "$(cat "$work/spread")" '^fail references parents resources .*"first": {"id": [0-9]+}' 'with keys of rows as samples'
plan=$work/plan.json

finds 'a code that names of views cannot bear' '^warn mapping names of views mentoring \[1\]: .*"Elevate-1"' \
    mentoring integrity \
    "UPDATE tenantdeck.mapping SET tenant_code = 'Elevate-1' WHERE tenant_code = 'elevate_tenant'"
alone 1 'a code that names of views cannot bear'
finds 'a code that is too long' '^fail mapping length of tenant_code mentoring \[1\]: .*\(255 letters\)' \
    mentoring integrity "UPDATE tenantdeck.mapping SET tenant_code = repeat('a', 256) WHERE key = '3'"
finds 'too long for a column that is there' \
    '^fail mapping length of organization_code mentoring \[[0-9]+\]: .*\(5 letters\)' mentoring integrity \
    'ALTER TABLE public.issues ADD organization_code varchar(5)'
finds 'an organization in two tenants' '^warn mapping one tenant each mentoring \[1\]: .*"elevate"' \
    mentoring integrity "UPDATE tenantdeck.mapping SET organization_code = 'elevate' WHERE key = '12'"
finds 'two organizations with one code' '^warn mapping one key each mentoring \[1\]: .*"elevate"' \
    mentoring integrity "UPDATE tenantdeck.mapping SET organization_code = 'elevate' WHERE key = '10'"
finds 'no mapping at all' '^fail mapping loaded mentoring \[0\]' mentoring integrity \
    'DELETE FROM tenantdeck.mapping'
finds 'one that lacks an organization of users alone' \
    '^warn references users sessions \[[0-9]+\]: created_by is of an organization without codes' \
    mentoring integrity "DELETE FROM tenantdeck.mapping WHERE key = '2'"
finds 'a missing table' '^fail references table feedbacks \[\]: is not in this database' \
    mentoring integrity 'DROP TABLE public.feedbacks'
finds 'a parent twice, in two tenants' \
    '^fail references unambiguous entity_types \[1\]: .*"id": 1, "rows": 2' mentoring integrity \
    "INSERT INTO public.entity_types (id, value, organization_id, created_at, updated_at)
     VALUES (1, 'again', '2', now(), now())"
finds 'NULL in a new primary key' '^fail keys primary key \(tenant_code, id\) issues \[1\]: rows with NULL' \
    mentoring integrity 'ALTER TABLE public.issues DROP CONSTRAINT issues_pkey, ALTER id DROP NOT NULL;
    UPDATE public.issues SET id = NULL WHERE id = (SELECT min(id) FROM public.issues)'
finds 'what nothing keeps unique any more' \
    '^fail keys unique \(tenant_code, type, sub_type, organization_id\) forms \[2\]' mentoring integrity \
    "ALTER TABLE public.forms DROP CONSTRAINT unique_type_sub_type_org_id;
     INSERT INTO public.forms (type, sub_type, organization_id, created_at, updated_at)
     SELECT type, sub_type, organization_id, now(), now() FROM public.forms WHERE id = 1"

table_member resources orphans '"default"'
finds 'a foreign key that defaults would break' \
    '^fail references foreign key \(tenant_code, session_id\) to sessions \(tenant_code, id\) resources \[1\]' \
    mentoring integrity 'UPDATE public.resources SET session_id = 990000 WHERE id = 1'
like "$found" '^warn references parents resources \[1\]: .*they get the default' 'where orphans get defaults'
table_member resources orphans '"park"'
finds 'rows that are put aside' '^warn references parents resources \[1\]: .*they are put aside' \
    mentoring integrity 'UPDATE public.resources SET session_id = 990000 WHERE id = 1'
change_plan "jsonb_set(:'plan'::jsonb, '{tables}', (SELECT jsonb_agg(t.doc ORDER BY t.place)
    FROM jsonb_array_elements(:'plan'::jsonb -> 'tables') WITH ORDINALITY AS t (doc, place)
   WHERE t.doc ->> 'name' <> 'user_extensions'))"
finds 'users that stand in no table of the plan' \
    '^fail references keys user_extensions \[1\]: organization_id is not in the mapping' \
    mentoring integrity "UPDATE public.user_extensions SET organization_id = 'gone' WHERE user_id = '9'"
plan=$work/plan.json

# ---- confirm ----

quiet='SET session_replication_role = replica;' # else the foreign keys would refuse it
finds 'one row of another tenant' \
    '^fail completeness codes feedbacks \[1\]: of 750 rows; with other codes than the mapping says: 1; as many as before .*"id": 1,.*"should be": ".*"tenant_code": "open_mentors"' \
    migrated confirm "UPDATE public.feedbacks SET tenant_code = 'open_mentors' WHERE id = 1"
alone 1 'one row of another tenant'
finds 'one row of another organization' \
    '^fail completeness codes feedbacks \[1\]: .*with other codes than the mapping says: 1;' migrated confirm \
    "UPDATE public.feedbacks SET organization_code = 'odisha_learning_mission' WHERE id = 1"
finds 'one row with the default instead of its own' \
    '^fail completeness codes feedbacks \[1\]: .*with other codes than the mapping says: 1;' migrated confirm \
    "UPDATE public.feedbacks SET tenant_code = 'default_tenant', organization_code = 'default_org'
      WHERE id = (SELECT min(id) FROM public.feedbacks WHERE tenant_code <> 'default_tenant')"
finds 'one row without a code' '^fail completeness codes connections \[1\]: .*without codes: 1; as many' \
    migrated confirm 'UPDATE public.connections SET organization_code = NULL WHERE id = 3'
alone 1 'one row without a code'
finds 'a row without a tenant' '^fail completeness codes issues \[1\]: .*without codes: 1;' migrated confirm \
    'ALTER TABLE public.issues DROP CONSTRAINT issues_pkey, ALTER tenant_code DROP NOT NULL;
     UPDATE public.issues SET tenant_code = NULL WHERE id = 1'
finds 'a child of another tenant than its parent' \
    '^fail completeness codes session_attendees \[1\]: of 3000 rows; with other codes than their row in sessions: 1;' \
    migrated confirm "$quiet UPDATE public.session_attendees SET tenant_code = 'gyan_setu'
      WHERE id = (SELECT min(id) FROM public.session_attendees WHERE tenant_code = 'elevate_tenant')"
alone 1 'a child of another tenant than its parent'
family="WITH moved AS (SELECT min(id) AS id FROM public.sessions WHERE tenant_code = 'elevate_tenant')"
finds 'a parent that is wrong with all its children' \
    '^fail completeness codes sessions \[1\]: .*with other codes than the mapping says: 1;' migrated confirm \
    "$quiet UPDATE public.session_attendees SET tenant_code = 'gyan_setu'
      WHERE session_id = ($family SELECT id FROM moved);
     UPDATE public.sessions SET tenant_code = 'gyan_setu' WHERE id = ($family SELECT id FROM moved)"
like "$found" '^fail completeness codes session_attendees \[[0-9]+\]: .*with other codes than the mapping says' \
    'up to the root of the way, not just to the parent'
finds 'an orphan that somebody gave codes' '^fail completeness codes resources \[1\]: .*other codes than' \
    migrated confirm "$quiet UPDATE public.resources SET session_id = 990000 WHERE id = 1"
finds 'an orphan without codes, where the plan refuses it' \
    '^fail completeness codes resources \[1\]: .*without codes: 1;' migrated confirm \
    'ALTER TABLE public.resources DROP CONSTRAINT resources_pkey, ALTER tenant_code DROP NOT NULL;
     UPDATE public.resources SET session_id = 990000, tenant_code = NULL, organization_code = NULL
      WHERE id = 1'
# mends SUBJECT NAME: what stands in the answer to be run by hand, run as it is, makes all as it was.
rows_of() {
    psql -X -q -At -d "$1" -c "SELECT md5(string_agg(t::text, ' ' ORDER BY id)) FROM public.$2 t"
}
mends() {
    {
        echo "\\set plan \`cat $plan\`"
        echo 'SET search_path = pg_catalog, pg_temp;'
        echo 'PREPARE asked AS'
        cat "$work/confirm.sql"
        echo "CREATE TEMPORARY TABLE answer AS EXECUTE asked(:'plan', 'window');"
        echo "SELECT fix || ';' FROM pg_temp.answer WHERE check_name = 'codes' AND subject = '$1'"
    } | psql -X -q -At -v ON_ERROR_STOP=1 -d changed >"$work/fix.sql"
    psql -X -q -v ON_ERROR_STOP=1 -d changed -f "$work/fix.sql" >"$work/said" 2>&1
    ok $? "$2 is mended by what is said to be run by hand" || td_note "$(cat "$work/said")"
    is "$(check changed confirm)" "$(cat "$work/spread")" 'all of it'
    is "$(rows_of changed "$1")" "$(rows_of migrated "$1")" 'and the rows are as they were'
}

# As tables are asked that Citus has spread, where no ctid tells a row: the same must be found.
change_plan "jsonb_set(:'plan'::jsonb, '{distribute}', 'true')"
check migrated confirm >"$work/spread"
is "$(cat "$work/spread")" "$(cat "$work/migrated_confirm")" \
    'spread over a cluster: nothing else is said of what is right'
finds 'spread over a cluster: rows of another organization and another tenant, by their keys' \
    '^fail completeness codes feedbacks \[2\]: of 750 rows; with other codes than the mapping says: 2; as many as before .*"id": 1,.*"should be": ".*"id": 2,' \
    migrated confirm "UPDATE public.feedbacks SET tenant_code = 'open_mentors' WHERE id = 1;
                      UPDATE public.feedbacks SET organization_code = 'odisha_learning_mission' WHERE id = 2"
alone 1 'rows of a spread table'
mends feedbacks 'what has another tenant or organization'
finds 'to be spread over a cluster: a row without a tenant' \
    '^fail completeness codes issues \[1\]: .*without codes: 1;' migrated confirm \
    'ALTER TABLE public.issues DROP CONSTRAINT issues_pkey, ALTER tenant_code DROP NOT NULL;
     UPDATE public.issues SET tenant_code = NULL WHERE id = 1'
finds 'spread over a cluster: a parent that is wrong with all its children' \
    '^fail completeness codes sessions \[1\]: .*with other codes than the mapping says: 1;' migrated confirm \
    "$quiet UPDATE public.session_attendees SET tenant_code = 'gyan_setu'
      WHERE session_id = ($family SELECT id FROM moved);
     UPDATE public.sessions SET tenant_code = 'gyan_setu' WHERE id = ($family SELECT id FROM moved)"
like "$found" '^fail completeness codes session_attendees \[[0-9]+\]: .*with other codes than the mapping says' \
    'with the children'
like "$(psql -X -q -At -d changed -c "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND confrelid = 'public.sessions'::regclass")" \
    '^[1-9]' 'whom foreign keys bind to it'
mends sessions 'a parent'
is "$(rows_of changed session_attendees)" "$(rows_of migrated session_attendees)" 'with the children'
unlike "$({
    echo "\\set plan \`cat $plan\`"
    echo 'PREPARE asked AS'
    cat "$work/confirm.sql"
    echo "EXECUTE asked(:'plan', 'window');"
} | psql -X -q -At -d migrated)" 'ctid|ERROR' 'and nothing that is asked there names a ctid'
plan=$work/plan.json

finds 'fewer rows, in a window' '^fail completeness codes questions \[7\]: .*; 1 fewer than before' \
    migrated confirm 'DELETE FROM public.questions WHERE id = 1'
finds 'fewer rows, online' '^warn completeness codes questions \[7\]: .*; 1 fewer than before' \
    migrated confirm:online 'DELETE FROM public.questions WHERE id = 1'
more="INSERT INTO public.modules (code, status, created_at, updated_at, tenant_code, organization_code)
      VALUES ('more', 'ACTIVE', now(), now(), 'default_tenant', 'default_org')"
finds 'more rows, in a window' '^fail completeness codes modules \[17\]: .*; 1 more than before' \
    migrated confirm "$more"
finds 'more rows, where a command of somebody else was run since' \
    "^pass completeness codes modules \\[17\\]: .*; 1 more than before, and 'npm run seed' was run since" \
    migrated confirm "$more;
        INSERT INTO tenantdeck.step (run, ordinal, name, type, state)
        SELECT max(id), 2, 'seed', 'outside', 'done' FROM tenantdeck.run;
        INSERT INTO tenantdeck.child (run, step, kind, pid, host, boot_id, start_ticks, command)
        SELECT run, id, 'process', 1, 'here', gen_random_uuid(), 1, 'npm run seed' FROM tenantdeck.step WHERE name = 'seed'"
finds 'more rows, online' '^pass completeness codes modules \[17\]: .*; 1 more than before' \
    migrated confirm:online "$more"
finds 'a user who is about to be filled again' \
    '^warn completeness codes feedbacks \[[0-9]+\]: .*who changed their organization meanwhile' \
    migrated confirm "UPDATE public.user_extensions SET organization_id = '3',
        tenant_code = 'elevate_tenant', organization_code = 'elevate'
      WHERE user_id = (SELECT min(user_id) FROM public.feedbacks WHERE tenant_code = 'shikshalokam_tenant');
     INSERT INTO tenantdeck.requeue (plan, key) SELECT 'mentoring', min(user_id)
       FROM public.feedbacks WHERE tenant_code = 'shikshalokam_tenant'"
unlike "$found" '^(fail|unknown|ERROR)' 'which is no failure'
finds 'and one of whom nobody noted it' '^fail completeness codes feedbacks \[[0-9]+\]' \
    migrated confirm "UPDATE public.user_extensions SET organization_id = '3',
        tenant_code = 'elevate_tenant', organization_code = 'elevate'
      WHERE user_id = (SELECT min(user_id) FROM public.feedbacks WHERE tenant_code = 'shikshalokam_tenant')"
finds 'a column that is gone' '^fail completeness codes issues \[\]: there is no column issues.organization_code' \
    migrated confirm 'ALTER TABLE public.issues DROP organization_code'
finds 'codes that nobody loaded' '^fail completeness mapping mentoring \[0\]' migrated confirm \
    'DELETE FROM tenantdeck.mapping'
finds 'a child is right when one of two parents of its id is' '^pass completeness codes entity_types \[66\]' \
    migrated confirm:online "INSERT INTO public.entity_types
        (id, value, organization_id, created_at, updated_at, tenant_code, organization_code)
     VALUES (1, 'again', '3', now(), now(), 'elevate_tenant', 'elevate')"
alone 0 'a child is right when one of two parents of its id is'
table_member connections orphans '"park"'
aside="ALTER TABLE public.connections DROP CONSTRAINT connections_pkey, ALTER tenant_code DROP NOT NULL;
       UPDATE public.connections SET created_by = 'gone', tenant_code = NULL, organization_code = NULL
        WHERE id = 1"
finds 'a row that was put aside' '^warn completeness codes connections \[1\]: .*put aside, of no tenant: 1;' \
    migrated confirm "$aside; INSERT INTO tenantdeck.parked (plan, unit, key, reason)
                      VALUES ('mentoring', 'connections', '{\"id\": \"1\"}', 'test')"
finds 'and one of which nobody knows' \
    '^fail completeness codes connections \[1\]: .*not noted in tenantdeck.parked: 1;' migrated confirm "$aside"
plan=$work/plan.json

# What a finding offers mends it, and can be run as it stands.
copy migrated "UPDATE public.feedbacks SET tenant_code = 'open_mentors', organization_code = NULL WHERE id < 9"
{
    echo "\\set plan \`cat $plan\`"
    echo 'SET search_path = pg_catalog, pg_temp; PREPARE asked AS'
    cat "$work/confirm.sql"
    echo "CREATE TEMPORARY TABLE answer AS EXECUTE asked(:'plan', 'window');"
    echo "SELECT fix FROM pg_temp.answer WHERE fix IS NOT NULL \\gexec"
    echo "SELECT query FROM pg_temp.answer WHERE query IS NOT NULL \\gexec"
    echo "SELECT 'all were run';"
} | psql -X -q -At -v ON_ERROR_STOP=1 -d changed >"$work/out" 2>&1
is "$(tail -n 1 "$work/out")" 'all were run' 'the queries and the fixes can be run in psql'
unlike "$(check changed confirm)" '^(fail|warn|unknown|ERROR)' 'and mend what was found'

# ---- validate ----

finds 'a column that may be NULL' '^fail structure columns and primary key issues \[1\]: organization_code may be NULL' \
    migrated validate 'ALTER TABLE public.issues ALTER organization_code DROP NOT NULL'
alone 1 'a column that may be NULL'
finds 'a column of another type' '^fail structure .* issues \[1\]: organization_code is character varying\(64\), not' \
    migrated validate 'ALTER TABLE public.issues ALTER organization_code TYPE varchar(64)'
finds 'a column that is not there' '^fail structure .* sessions \[1\]: there is no column organization_code' \
    migrated validate 'ALTER TABLE public.sessions DROP organization_code'
finds 'a primary key without the tenant' \
    '^fail structure .* issues \[1\]: its primary key is \(id\), not \(tenant_code, id\)' migrated validate \
    'ALTER TABLE public.issues DROP CONSTRAINT issues_pkey, ADD PRIMARY KEY (id)'
like "$found" '^fail isolation keys with the tenant mentoring \[1\]: .*\["issues_pkey"\]' \
    'which is a matter of isolation, too'
finds 'no primary key' '^fail structure .* issues \[1\]: its primary key is none, not' migrated validate \
    'ALTER TABLE public.issues DROP CONSTRAINT issues_pkey'
like "$found" '^fail indexes .* issues .*nothing keeps unique what issues_pkey \(id\) did' \
    'and with it uniqueness is lost'
finds 'an index that is not there' '^fail indexes indexes feedbacks \[1\]: there is no index \(tenant_code, session_id\)' \
    migrated validate 'DROP INDEX public.feedbacks_tenant_code_session_id_idx'
alone 1 'an index that is not there'
finds 'a planned index that is not valid' '^fail indexes indexes feedbacks \[1\]: index .* is not valid' \
    migrated validate "UPDATE pg_index SET indisvalid = false
      WHERE indexrelid = 'public.feedbacks_tenant_code_session_id_idx'::regclass"
finds 'any other that is not' '^fail indexes indexes feedbacks \[1\]: index half_built is not valid' \
    migrated validate "CREATE INDEX half_built ON public.feedbacks (response);
     UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'public.half_built'::regclass"
finds 'a unique index that is not there' \
    '^fail indexes indexes session_attendees .*there is no unique index \(tenant_code, session_id, mentee_id\)' \
    migrated validate 'DROP INDEX public.session_attendees_tenant_code_session_id_mentee_id_idx'
like "$found" 'nothing keeps unique what session_attendees_pkey \(session_id, mentee_id\) did' \
    'so the old primary key has no successor'
finds 'a unique index of fewer rows' '^fail indexes indexes entities .*there is no unique index .* WHERE \(deleted_at IS NULL\)' \
    migrated validate 'DROP INDEX public.entities_tenant_code_value_entity_type_id_idx;
     CREATE UNIQUE INDEX ON public.entities (tenant_code, value, entity_type_id) WHERE id > 5'
like "$found" 'nothing keeps unique what public.unique_entities_value' 'is no successor'
finds 'uniqueness over all tenants' \
    '^warn indexes indexes modules \[1\]: unique index one_code \(code\) holds over all tenants' \
    migrated validate 'CREATE UNIQUE INDEX one_code ON public.modules (code)'
like "$found" '^warn isolation keys with the tenant mentoring \[1\]' 'is told for the plan as a whole'
finds 'a foreign key that is not there' '^fail references foreign keys resources \[1\]: there is no foreign key' \
    migrated validate 'ALTER TABLE public.resources DROP CONSTRAINT resources_tenant_code_session_id_fkey'
alone 1 'a foreign key that is not there'
finds 'a foreign key that is not proved' '^fail references foreign keys resources \[1\]: foreign key r is not proved' \
    migrated validate 'ALTER TABLE public.resources DROP CONSTRAINT resources_tenant_code_session_id_fkey;
     ALTER TABLE public.resources ADD CONSTRAINT r FOREIGN KEY (session_id, tenant_code)
        REFERENCES public.sessions (id, tenant_code) NOT VALID'
finds 'a key that was not put in place' '^fail indexes indexes issues \[1\]: index tenantdeck_new_x was built' \
    migrated validate 'CREATE INDEX tenantdeck_new_x ON public.issues (id)'
finds 'a proof that was left' '^warn structure .* issues \[1\]: constraint tenantdeck_proof_x of the migration' \
    migrated validate 'ALTER TABLE public.issues ADD CONSTRAINT tenantdeck_proof_x CHECK (true)'
finds 'a table that is not there' '^fail structure table feedbacks \[\]: is not in this database' \
    migrated validate 'DROP TABLE public.feedbacks'
finds 'an optional one that is not' '^pass structure table report_types' migrated validate \
    'DROP TABLE public.report_types'
alone 0 'an optional one that is not'

# The triggers that an online run has, until it is released.
copy migrated "CREATE FUNCTION tenantdeck.fill() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END'"
psql -X -q -v ON_ERROR_STOP=1 -d changed <<'END' || td_bail 'the triggers could not be made'
SELECT format('CREATE TRIGGER fill BEFORE INSERT ON public.%I
               FOR EACH ROW EXECUTE FUNCTION tenantdeck.fill()', unit)
  FROM tenantdeck.measure \gexec
END
psql -X -q -d changed -c 'CREATE TRIGGER requeue AFTER UPDATE ON public.user_extensions
    FOR EACH ROW EXECUTE FUNCTION tenantdeck.fill()'
psql -X -q -d postgres -c 'CREATE DATABASE online TEMPLATE changed'
unlike "$(check online validate online)" '^(fail|warn|unknown|ERROR)' 'an online run has its triggers'
is "$(check online validate window | grep -c '^warn structure .*trigger fill is there, which only')" 26 \
    'which a window has no use for'
finds 'one that is not there' '^fail structure .* issues \[1\]: no trigger fills the codes' online validate:online \
    'DROP TRIGGER fill ON public.issues'
finds 'one that is switched off' '^fail structure .* issues .*no trigger fills the codes' online validate:online \
    'ALTER TABLE public.issues DISABLE TRIGGER fill'
finds 'users of whom nobody notes a change' '^fail structure .* user_extensions \[1\]: no trigger notes the users' \
    online validate:online 'DROP TRIGGER requeue ON public.user_extensions'
finds 'triggers after release' '^warn structure .* issues .*trigger fill is still there after release' \
    online validate:online "INSERT INTO tenantdeck.step (run, ordinal, name, type, state)
                            SELECT max(id), 2, 'release', 'once', 'done' FROM tenantdeck.run"
finds 'none after release' '^$' migrated validate:online \
    "INSERT INTO tenantdeck.step (run, ordinal, name, type, state)
     SELECT max(id), 2, 'release', 'once', 'done' FROM tenantdeck.run"
finds 'a lookup index after release' '^warn indexes indexes issues .*index tenantdeck_lookup_issues .* still there' \
    migrated validate "INSERT INTO tenantdeck.step (run, ordinal, name, type, state)
     SELECT max(id), 2, 'release', 'once', 'done' FROM tenantdeck.run;
     CREATE INDEX tenantdeck_lookup_issues ON public.issues (id)"
finds 'and not before' '^pass indexes indexes issues \[\]: 1 unique, 2 other' migrated validate \
    'CREATE INDEX tenantdeck_lookup_issues ON public.issues (id)'
change_plan "jsonb_set(:'plan'::jsonb, '{distribute}', 'true')"
finds 'a cluster that is not there' '^fail structure distribution mentoring \[\]: .*Citus is not installed' \
    migrated validate 'SELECT 1'
plan=$work/plan.json

# ---- state ----

state() { # NAME REGEX TEMPLATE SQL
    copy "$3" "$4"
    found=$(check changed state)
    like "$found" "$2" "$1"
}
both="DO \$\$ DECLARE t record; BEGIN
    FOR t IN SELECT unit FROM jsonb_to_recordset('$(
    psql -X -q -At -d migrated -c 'SELECT jsonb_agg(m) FROM tenantdeck.measure m')') AS m (unit text) LOOP
        EXECUTE format('ALTER TABLE public.%I ADD tenant_code varchar(255), ADD organization_code varchar(255)',
                       t.unit);
    END LOOP; END \$\$;"
like "$(cat "$work/mentoring_state")" '^pass state columns public \[26\]: before the migration: none of 26' \
    'a database as it was'
like "$(cat "$work/mentoring_state")" '^pass state Sequelize sequelize_meta \[7\]: .*20251126173829-.*none of them' \
    'with the list of Sequelize'
state 'columns that are there and empty' '^pass state columns public \[26\]: the columns of all 26 .* and empty' \
    mentoring "$both INSERT INTO public.sequelize_meta VALUES ('20250721250000-complete-tenant-code-migration.js')"
like "$found" '^warn state Sequelize .*the one that adds the columns, empty, is among' 'as one migration leaves them'
state 'columns with the default' '^warn state columns public \[26\]: filled with one tenant: .* are of default,' \
    mentoring "${both//varchar(255)/varchar(255) NOT NULL DEFAULT \'\'default\'\'}
     ALTER TABLE public.sequelize_meta RENAME TO \"SequelizeMeta\";
     INSERT INTO public.\"SequelizeMeta\" VALUES ('20251212250000-complete-tenant-code-migration.js')"
like "$found" '^warn state Sequelize SequelizeMeta \[8\]: .*the released one that fills' 'as the released ones do'
state 'a database between two steps' \
    '^warn state columns public \[2\]: half-way; tables without the columns: 24; with some of them: 1; empty: 1; partly filled: 1; .*"issues"' \
    mentoring "ALTER TABLE public.feedbacks ADD tenant_code text;
     ALTER TABLE public.issues ADD tenant_code text, ADD organization_code text;
     UPDATE public.issues SET tenant_code = 'x' WHERE id = 1"
state 'a migrated one' '^warn state columns public \[26\]: migrated: all 26 tables' migrated 'SELECT 1'
state 'and no database of this plan at all' '^fail state columns public \[0\]: none of the plan' template0 'SELECT 1'

# ---- names and values that could break a statement ----

createdb hostile
psql -X -q -v ON_ERROR_STOP=1 -d hostile <<'END' >"$work/said" 2>&1 || td_bail "$(cat "$work/said")"
CREATE SCHEMA "od d'";
CREATE TABLE "od d'"."us""er" ("select" integer PRIMARY KEY, "org %s 😀" text NOT NULL);
CREATE TABLE "od d'"."'; DROP TABLE x; --" ("row" integer NOT NULL, "rows" text NOT NULL, "who?" text,
    PRIMARY KEY ("row", "rows"));
CREATE TABLE "od d'"."a_name_of_sixty-three_bytes_that_is_as_long_as_a_name_may_be__" ("why" integer);
CREATE UNIQUE INDEX "a,(b" ON "od d'"."'; DROP TABLE x; --" ("rows", "row") WHERE "who?" <> '";''';
INSERT INTO "od d'"."us""er" VALUES (1, '$$'), (2, E'\\');
INSERT INTO "od d'"."'; DROP TABLE x; --" VALUES (1, 'a', '1'), (2, 'b', '2'), (3, 'c', 'x');
INSERT INTO "od d'"."a_name_of_sixty-three_bytes_that_is_as_long_as_a_name_may_be__" VALUES (1), (2);
END
cat >"$work/hostile.json" <<'END'
{"name": "o'dd", "kind": "columns", "schema": "od d'", "distribute": false, "bearing": [], "ignored": [],
 "mapping": {"default_key": "0", "default_organization": "no'ne", "default_tenant": "%s $1 %1$s",
             "user_table": "us\"er", "user_column": "select", "user_key": "org %s 😀"},
 "columns": [{"name": "ten\"ant %I", "type": "varchar(255)", "role": "tenant"},
             {"name": "or'g", "type": "varchar(255)", "role": "organization"}],
 "tables": [
  {"name": "us\"er", "optional": false, "source": "own", "source_column": "org %s 😀", "parent_table": null,
   "parent_column": null, "orphans": "refuse", "columns": ["ten\"ant %I", "or'g"],
   "not_null": ["ten\"ant %I"], "primary_key": {"name": null, "replaces": null,
   "columns": ["ten\"ant %I", "select"]}, "uniques": [], "indexes": [], "references": []},
  {"name": "'; DROP TABLE x; --", "optional": false, "source": "user", "source_column": "who?",
   "parent_table": null, "parent_column": null, "orphans": "default", "columns": ["ten\"ant %I", "or'g"],
   "not_null": ["ten\"ant %I"], "primary_key": {"name": null, "replaces": null,
   "columns": ["ten\"ant %I", "row"]}, "uniques": [{"name": null, "replaces": "a,(b",
   "columns": ["ten\"ant %I", "rows", "row"]}], "indexes": [], "references": []},
  {"name": "a_name_of_sixty-three_bytes_that_is_as_long_as_a_name_may_be__", "optional": false,
   "source": "parent", "source_column": "why", "parent_table": "'; DROP TABLE x; --", "parent_column": "row",
   "orphans": "refuse", "columns": ["ten\"ant %I", "or'g"], "not_null": ["ten\"ant %I"],
   "primary_key": {"name": null, "replaces": null, "columns": []}, "uniques": [],
   "indexes": [{"name": null, "replaces": null, "columns": ["ten\"ant %I", "why"]}],
   "references": [{"columns": ["ten\"ant %I", "why"], "table": "'; DROP TABLE x; --",
   "target": ["ten\"ant %I", "row"]}]}], "keys": []}
END
for version in 1 2 3; do "$TENANTDECK" sql "journal_upgrade_$version"; done |
    psql -X -q -1 -v ON_ERROR_STOP=1 -d hostile >"$work/said" 2>&1
psql -X -q -v ON_ERROR_STOP=1 -d hostile <<'END' || td_bail 'no hostile mapping'
INSERT INTO tenantdeck.mapping VALUES ('o''dd', '$$', 'o''brien', '''; DROP TABLE x; --'),
    ('o''dd', E'\\', '%L', '%s 😀');
END
plan=$work/hostile.json
said=$(check hostile integrity)
is "$(grep -E '^(fail|unknown|ERROR)' <<<"$said")" '' 'hostile names: integrity is at ease'
like "$said" "^warn references users .*: who\? is no user of \"?us.* \(rows: 1, values: 1\)" \
    'and compares numbers with texts'
like "$(check hostile state)" '^pass state columns od d.* \[3\]: before the migration' 'hostile names: state'
{ echo "\\set plan \`cat $plan\`"; cat "$TD_SRCDIR/tests/flow/migrate_by_hand.sql"; } |
    psql -X -q -v ON_ERROR_STOP=1 -d hostile >"$work/said" 2>&1 || td_bail "hostile: $(cat "$work/said")"
is "$(check hostile confirm | grep -vE '^pass')" '' 'hostile names: confirm finds the rows right'
is "$(check hostile validate | grep -vE '^pass')" '' 'hostile names: validate finds the structure right'
psql -X -q -d hostile -c "UPDATE \"od d'\".\"us\"\"er\" SET \"or'g\" = '%s' WHERE \"select\" = 1"
like "$(check hostile confirm)" '^fail completeness codes us"er \[1\]: .*"should be": ".; DROP TABLE x; -- o.brien"' \
    'hostile names: and a wrong one wrong'

done_testing
