#!/bin/bash
# The structure of a migration: NOT NULL, keys, indexes, foreign keys. The statements that generate them
# are asked by psql, what they answer is carried out in order, as the worker does it, and then their undo
# records are replayed backwards: the schema is what it was, byte for byte.
. "$(dirname "$0")/../lib.sh"

work=$(mktemp -d /tmp/structure.XXXXXX)
trap 'rm -rf "$work"' EXIT
td_start_postgres
td_load_demo 0.01
PGOPTIONS='-c search_path=pg_catalog,pg_temp -c row_security=off -c jit=off -c client_min_messages=warning'
export PGOPTIONS

"$TENANTDECK" sql | sed -n 's/^\(journal_upgrade_[0-9]*\)  (.*/\1/p' | sort -t_ -k3n |
    while read -r name; do "$TENANTDECK" sql "$name"; done >"$work/journal.sql"
for name in work_not_null work_keys work_indexes work_foreign_keys work_release_lookups \
    work_distribute check_undo; do
    "$TENANTDECK" sql "$name" | sed -e '/^--/d' -e 's/;$//' \
        -e "s/\\\$1::jsonb/:'plan'::jsonb/g" -e "s/\\\$2::text/:'mode'::text/g" >"$work/$name.sql"
done

# ---- the small engine ----

db=mentoring
quiet() { psql -X -q -At -v ON_ERROR_STOP=1 -d "$db" "$@" 2>&1; }
change() { quiet -c "$1" || td_bail "this could not be run: $1"; }

# plan_of FILE: $work/plan.json is what the generators get.
plan_of() {
    "$TENANTDECK" -p "$1" plan show --json | jq -c .definition >"$work/plan.json"
    [ -s "$work/plan.json" ] || td_bail "the plan cannot be read: $("$TENANTDECK" -p "$1" plan show)"
}

# A journal with one run, for the undo records to belong to.
journal() {
    quiet -1 -f "$work/journal.sql" >"$work/said" || td_bail "$(cat "$work/said")"
    change "INSERT INTO tenantdeck.plan (name, hash, kind, title, text, document)
            SELECT d ->> 'name', repeat('0', 64), 'columns', 'a test', 'a test', d
              FROM (SELECT \$plan\$$(cat "$work/plan.json")\$plan\$::jsonb AS d) AS given;
            INSERT INTO tenantdeck.run (generation, plan, verb, mode, state, os_user, host, program)
            SELECT m.generation, p.id, 'migrate', 'online', 'running', 'anna', 'here', '0'
              FROM tenantdeck.meta m, tenantdeck.plan p;
            INSERT INTO tenantdeck.step (run, ordinal, name, type)
            SELECT id, 1, 'keys', 'once' FROM tenantdeck.run"
}

# asked GENERATOR MODE SELECT-LIST [REST]: what one can say about its items.
asked() {
    {
        echo "\\set plan \`cat $work/plan.json\`"
        echo "\\set mode $2"
        echo "SELECT $3 FROM (SELECT row_number() OVER () AS place, item.* FROM ("
        cat "$work/$1.sql"
        echo ") AS item) AS i ${4:-};"
    } | quiet -f -
}

keep="INSERT INTO tenantdeck.undo (generation, plan, run, step, ordinal, object_type, object,
                                    definition, statement, alone)
      SELECT m.generation, p.name, r.id, s.id,
             (SELECT count(*) + 1 FROM tenantdeck.undo),
             d ->> 'type', d ->> 'object', d ->> 'definition', d ->> 'statement',
             (d ->> 'alone')::boolean
        FROM tenantdeck.meta m, tenantdeck.plan p, tenantdeck.run r, tenantdeck.step s,
             (SELECT %L::jsonb AS d) AS given
      ON CONFLICT (generation, plan, object_type, object) WHERE state = 'kept' DO NOTHING"

# The commands of the items that are left, as \gexec runs them: records and statement together, or,
# where that cannot be, the records first. An item 'refused' has no statement and is none.
round() {
    {
        echo "\\set plan \`cat $work/plan.json\`"
        echo "\\set mode $2"
        cat <<SQL
SELECT c.text FROM (SELECT row_number() OVER () AS place, item.* FROM (
SQL
        cat "$work/$1.sql"
        cat <<SQL
) AS item) AS i CROSS JOIN LATERAL (
    SELECT 1 AS turn, 0::bigint AS number, 'BEGIN' AS text WHERE NOT i.alone UNION ALL
    SELECT 2, r.place, format(\$keep\$$keep\$keep\$, r.record)
      FROM jsonb_array_elements(i.records) WITH ORDINALITY AS r (record, place) UNION ALL
    SELECT 3, 0, i.statement UNION ALL
    SELECT 4, 0, 'COMMIT' WHERE NOT i.alone) AS c
 WHERE NOT i.done AND i.statement IS NOT NULL
 ORDER BY i.place, c.turn, c.number \\gexec
SQL
    } | quiet -f -
}

# performs GENERATOR MODE: until nothing is left, and says how many rounds it took.
performs() {
    for rounds in 1 2 3; do
        round "$1" "$2" >"$work/said" || { cat "$work/said"; return 1; }
        [ "$(asked "$1" "$2" 'count(*) FILTER (WHERE NOT done)')" = 0 ] && return
    done
    echo "not done after $rounds rounds: $(asked "$1" "$2" "unit || ': ' || part" 'WHERE NOT done')"
    return 1
}

# All the steps; each of them must leave nothing to do, and change nothing when it is done again.
migrate() {
    for generator in work_not_null work_keys work_indexes work_foreign_keys; do
        runs "$2: $generator goes through" performs "$generator" "$1"
        is "$(round "$generator" "$1")$(asked "$generator" "$1" 'count(*)' 'WHERE NOT done')" 0 \
            "$2: and is done"
    done
}

# The records backwards. Commands of one record are one transaction, as psql sends them.
undo() {
    echo "SELECT statement FROM tenantdeck.undo ORDER BY id DESC \\gexec" | quiet -f - >"$work/said" ||
        { cat "$work/said"; return 1; }
}

dump() {
    pg_dump --schema-only -N tenantdeck -d "$db" >"$work/$1.schema" ||
        td_bail "the schema of $db cannot be dumped"
    sed -i -e '/^\\\(un\)\?restrict /d' "$work/$1.schema"
}

same_schema() {
    dump after
    said=$(diff "$work/before.schema" "$work/after.schema")
    ok $? "$1" || td_note "$said"
}

# copy NAME: a database of its own, from the sample or from $2, with what it is before the migration.
copy() {
    db=postgres
    change "DROP DATABASE IF EXISTS $1"
    change "CREATE DATABASE $1 TEMPLATE ${2:-mentoring}"
    db=$1
}

# begins: the journal, the schema as it is, and the columns of the plan, all rows of one tenant.
begins() {
    journal
    dump before
    jq -r '. as $p | .tables[] | .name as $t | .columns[] | . as $c | [$t, .,
           ($p.columns[] | select(.name == $c) | .type)] | @tsv' "$work/plan.json" |
        while IFS=$'\t' read -r table column type; do
            echo "SELECT format('ALTER TABLE public.%I ADD %I $type', c.relname, \$n\$$column\$n\$),"
            echo "       format('UPDATE public.%I SET %I = ''one''', c.relname, \$n\$$column\$n\$)"
            echo "  FROM pg_class c WHERE c.oid = to_regclass('public.' || quote_ident(\$n\$$table\$n\$))"
            echo "   AND NOT EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid"
            echo "                      AND a.attname = \$n\$$column\$n\$) \\gexec"
        done >"$work/columns.sql"
    quiet -f "$work/columns.sql" >"$work/said" || td_bail "$(cat "$work/said")"
}

# And the way back from them: the columns go last.
ends() {
    runs "$1: the undo records can be replayed" undo
    jq -r '.tables[] | .name as $t | .columns[] | [$t, .] | @tsv' "$work/plan.json" |
        while IFS=$'\t' read -r table column; do
            echo "SELECT format('ALTER TABLE public.%I DROP %I', c.relname, \$n\$$column\$n\$)"
            echo "  FROM pg_class c WHERE c.oid = to_regclass('public.' || quote_ident(\$n\$$table\$n\$)) \\gexec"
        done >"$work/columns.sql"
    quiet -f "$work/columns.sql" >"$work/said" || td_bail "$(cat "$work/said")"
    same_schema "$1: the schema is what it was, byte for byte"
}

# ---- the shipped plan, on the sample ----

cp "$TD_SRCDIR/data/plans/mentoring.plan" "$work"
printf '%s\n' organization_id,organization_code,tenant_code 1,default_org,default_tenant \
    >"$work/data_codes.csv"
plan_of "$work/mentoring.plan"

for mode in online window; do
    copy "whole_$mode"
    for generator in work_not_null work_keys work_indexes work_foreign_keys; do
        asked "$generator" "$mode" 'unit, part, statement' >"$work/advance.$generator"
    done
    begins
    for generator in work_not_null work_keys work_indexes work_foreign_keys; do
        asked "$generator" "$mode" 'unit, part, statement' >"$work/then.$generator"
        runs "$mode: $generator told beforehand what it then runs" \
            diff "$work/advance.$generator" "$work/then.$generator"
        runs "$mode: $generator goes through" performs "$generator" "$mode"
    done
    is "$(asked work_keys "$mode" "count(*)" 'WHERE NOT done')" 0 "$mode: the keys are done"
    is "$(quiet -c "SELECT count(*) FROM pg_class WHERE relname ~ '^tenantdeck_(new|old)_'
                       OR EXISTS (SELECT 1 FROM pg_constraint WHERE conname LIKE 'tenantdeck%')")" 0 \
        "$mode: nothing of ours is left but what is meant to be"
    is "$(quiet -c "SELECT pg_get_constraintdef(oid) FROM pg_constraint
                     WHERE conname = 'sessions_pkey'")" 'PRIMARY KEY (tenant_code, id)' \
        "$mode: the primary key has kept its name"
    like "$(quiet -c "SELECT pg_get_indexdef('public.unique_value_org_id'::regclass)")" \
        '\(tenant_code, value, organization_id\) WHERE \(deleted_at IS NULL\)$' \
        "$mode: a replaced unique index has kept its name and its WHERE"
    is "$(quiet -c "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND convalidated
                       AND connamespace = 'public'::regnamespace")" 4 \
        "$mode: the foreign keys are there, and proved"
    is "$(quiet -c "SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
                     WHERE NOT i.indisvalid")" 0 "$mode: all indexes are valid"
    ends "$mode"
done

# ---- the index for whoever looks up by the old key alone ----

copy lookups
begins
is "$(asked work_release_lookups online "string_agg(unit, ' ' ORDER BY place)")" \
    "$(asked work_keys online "string_agg(unit, ' ' ORDER BY place)" "WHERE part = 'lookup: build'")" \
    'release tells beforehand which lookup indexes it will drop'
unlike "$(asked work_keys online unit "WHERE part = 'lookup: build'")" '^questions$' \
    'none where the new key begins with the column'
performs work_not_null online && performs work_keys online
like "$(quiet -c 'EXPLAIN (COSTS OFF) SELECT 1 FROM public.sessions WHERE id = 7')" \
    'tenantdeck_lookup_sessions' 'without the tenant a row is found by its index'
is "$(asked work_release_lookups online "count(*)")" \
    "$(quiet -c "SELECT count(*) FROM pg_class WHERE relname LIKE 'tenantdeck_lookup%'")" \
    'release finds all of them'
runs 'and drops them' performs work_release_lookups online
is "$(quiet -c "SELECT count(*) FROM pg_class WHERE relname LIKE 'tenantdeck_lookup%'")" 0 \
    'so that none is left'
is "$(asked work_keys online 'count(*)' 'WHERE NOT done')" 0 'the keys do not want them back'
ends 'after release'

# ---- leftovers ----

copy broken
begins
change "ALTER TABLE public.sessions ADD CONSTRAINT tenantdeck_proof_12345678 CHECK (id > 0) NOT VALID"
proof=$(asked work_not_null online "substring(statement FROM 'CONSTRAINT (\\w+)')" \
    "WHERE unit = 'sessions' AND part LIKE 'prove: for new%'")
change "ALTER TABLE public.sessions ADD CONSTRAINT $proof CHECK (tenant_code IS NOT NULL) NOT VALID"
is "$(asked work_not_null online 'done' "WHERE unit = 'sessions' AND part = 'prove: for new rows'")" t \
    'a proof that was begun is gone on with'
runs 'proofs that were left behind are no obstacle' performs work_not_null online
is "$(quiet -c "SELECT count(*) FROM pg_constraint WHERE conname LIKE 'tenantdeck%'")" 0 \
    'and none is left'
broken=$(asked work_keys online "substring(statement FROM 'CONCURRENTLY (\\w+)')" \
    "WHERE unit = 'sessions' AND part = 'primary key: build'")
change "CREATE UNIQUE INDEX $broken ON public.sessions (tenant_code, id);
        CREATE INDEX tenantdeck_lookup_sessions ON public.sessions (id);
        CREATE INDEX tenantdeck_old_sessions_pkey ON public.sessions (id);
        CREATE INDEX sessions_tenant_code_mentor_id_idx ON public.sessions (tenant_code, mentor_id);
        CREATE UNIQUE INDEX session_attendees_tenant_code_session_id_mentee_id_key
            ON public.session_attendees (tenant_code, session_id, mentee_id);
        CREATE INDEX issues_tenant_code_organization_code_idx ON public.issues (description);
        UPDATE pg_index SET indisvalid = false
         WHERE indexrelid IN ('public.$broken'::regclass,
               'public.tenantdeck_lookup_sessions'::regclass,
               'public.sessions_tenant_code_mentor_id_idx'::regclass,
               'public.session_attendees_tenant_code_session_id_mentee_id_key'::regclass)"
is "$(asked work_keys online "string_agg(part, '; ' ORDER BY place)" \
    "WHERE unit = 'sessions' AND part LIKE 'drop%'")" \
    "drop a leftover: tenantdeck_lookup_sessions; drop a leftover: $broken; drop a leftover: tenantdeck_old_sessions_pkey" \
    'broken builds are found'
runs 'and dropped, before they are built again' performs work_keys online
runs 'so are broken indexes' performs work_indexes online
is "$(quiet -c "SELECT count(*) FROM pg_index WHERE NOT indisvalid")" 0 'nothing broken is left'
is "$(quiet -c "SELECT pg_get_indexdef('public.issues_tenant_code_organization_code_idx'::regclass)")" \
    'CREATE INDEX issues_tenant_code_organization_code_idx ON public.issues USING btree (description)' \
    'an index of somebody else is left alone'
like "$(asked work_indexes online part "WHERE unit = 'issues'")" \
    '^build issues_tenant_code_organization_code_idx_[0-9a-f]{8}$' 'ours has another name then'
change "ALTER TABLE public.resources ADD CONSTRAINT mine FOREIGN KEY (session_id, tenant_code)
        REFERENCES public.sessions (id, tenant_code) NOT VALID"
is "$(asked work_foreign_keys online "string_agg(part || ' ' || done, '; ' ORDER BY place)" \
    "WHERE unit = 'resources'")" \
    'mine: add, for new rows true; mine: prove, for all rows false' \
    'a foreign key that is not proved is proved, not added again'
runs 'which works' performs work_foreign_keys online
is "$(quiet -c "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND convalidated
                       AND connamespace = 'public'::regnamespace")" 4 \
    'and there is no second one'

# ---- all that an old key can carry ----

printf '%s\n' '[plan]' 'name = own' 'kind = columns' '[mapping]' 'file = data_codes.csv' \
    'key = organization_id' 'default = one' '[column "tenant_code"]' 'type = varchar(255)' \
    '[table "roles"]' 'from = constant' 'primary key = tenant_code id' \
    'unique = tenant_code title replacing roles_title' \
    'unique = tenant_code code replacing \"Odd \"\"Code\"' \
    'unique = tenant_code slot named roles_slots replacing roles_slot' \
    '[table "grants"]' 'from = parent roles.id by role' 'primary key = tenant_code number' \
    'foreign key = tenant_code role -> roles tenant_code id' >"$work/own.plan"
plan_of "$work/own.plan"
db=postgres
change 'CREATE DATABASE rich'
delete='SET NULL' spared=' (role)' alike=' NULLS NOT DISTINCT' # which PostgreSQL 14 does not have
[ "$(quiet -c "SHOW server_version_num")" -ge 150000 ] || delete=CASCADE spared='' alike=''
db=rich
change "CREATE TABLE public.roles (id int, title text, code text, slot int, extra text, deleted_at date,
            CONSTRAINT \"Roles'key\" PRIMARY KEY (id) INCLUDE (extra) WITH (fillfactor = 70),
            CONSTRAINT roles_slot UNIQUE (slot) DEFERRABLE INITIALLY DEFERRED);
        CREATE UNIQUE INDEX roles_title ON public.roles (title) WITH (deduplicate_items = off)
            WHERE deleted_at IS NULL;
        CREATE UNIQUE INDEX \"Odd \"\"Code\" ON public.roles (code)$alike;
        COMMENT ON CONSTRAINT \"Roles'key\" ON public.roles IS 'it''s the key';
        COMMENT ON INDEX public.\"Roles'key\" IS 'its index';
        COMMENT ON INDEX public.roles_title IS 'titles';
        ALTER TABLE public.roles REPLICA IDENTITY USING INDEX \"Roles'key\";
        ALTER TABLE public.roles CLUSTER ON \"Roles'key\";
        CREATE TABLE public.grants (number int, role int,
            CONSTRAINT grants_role_fkey FOREIGN KEY (role) REFERENCES public.roles
                ON DELETE $delete ON UPDATE CASCADE DEFERRABLE);
        COMMENT ON CONSTRAINT grants_role_fkey ON public.grants IS 'of a role';
        INSERT INTO public.roles SELECT n, n, n, n FROM generate_series(1, 9) AS n;
        INSERT INTO public.grants SELECT n, n FROM generate_series(1, 9) AS n"
for mode in online window; do
    copy "rich_$mode" rich
    asked work_foreign_keys "$mode" part >"$work/advance"
    like "$(cat "$work/advance")" "$([ "$mode" = online ] && echo prove || echo 'foreign keys')" \
        "rich, $mode: the foreign key is proved by step foreign-keys"
    unlike "$(cat "$work/advance")" 'add' "rich, $mode: and made with the keys"
    begins
    migrate "$mode" "rich, $mode"
    is "$(quiet -c "SELECT pg_get_constraintdef(oid) FROM pg_constraint
                     WHERE contype = 'f' AND connamespace = 'public'::regnamespace")" \
        "FOREIGN KEY (tenant_code, role) REFERENCES public.roles(tenant_code, id) ON UPDATE CASCADE ON DELETE $delete$spared DEFERRABLE" \
        "rich, $mode: the foreign key does what the old one did, and spares the tenant"
    is "$(quiet -c "SELECT pg_get_indexdef(indexrelid) || ' ' || indisreplident || ' ' || indisclustered
                      FROM pg_index WHERE indrelid = 'public.roles'::regclass AND indisprimary")" \
        "CREATE UNIQUE INDEX \"Roles'key\" ON public.roles USING btree (tenant_code, id) INCLUDE (extra) WITH (fillfactor='70') true true" \
        "rich, $mode: the key has the storage and the marks of the old one"
    is "$(quiet -c "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname LIKE 'roles_slot%'")" \
        'UNIQUE (tenant_code, slot) DEFERRABLE INITIALLY DEFERRED' \
        "rich, $mode: a constraint stays one, and deferred"
    like "$(quiet -c "SELECT string_agg(pg_get_indexdef(oid), '; ') FROM pg_class WHERE relname LIKE 'Odd%'")" \
        "\\(tenant_code, code\\)$alike\$" "rich, $mode: NULLs stay alike"
    is "$(quiet -c "SELECT attnotnull FROM pg_attribute
                     WHERE attrelid = 'public.grants'::regclass AND attname = 'number'")" t \
        "rich, $mode: a column of the new primary key became NOT NULL"
    ends "rich, $mode"
done

# ---- names that want to be something else ----

long=$(printf 'Ünïcode%.0s' 1 2 3 4 5 6)
jq -c --arg evil "'; DROP TABLE x; --\"😀" --arg long "$long" '
    .name = "evil" | .columns = [{name: "select", type: "varchar(255)", role: "tenant"}]
    | .tables = [
        {name: $long, optional: false, source: "constant", columns: ["select"], not_null: ["select"],
         primary_key: {name: null, replaces: null, columns: ["select", $evil]},
         uniques: [{name: null, replaces: "TITLE \"", columns: ["select", "Order By", $evil]},
                   {name: null, replaces: null, columns: ["select", "Order By"]}],
         indexes: [{name: null, replaces: null, columns: ["Order By", "select", $evil]}],
         references: []},
        {name: $evil, optional: false, source: "constant", columns: ["select"], not_null: ["select"],
         primary_key: {name: null, replaces: null, columns: ["select", "a%sb"]}, uniques: [],
         indexes: [{name: null, replaces: null, columns: ["a%sb"]}],
         references: [{columns: ["select", $long], table: $long, target: ["select", $evil]}]}]' \
    "$work/plan.json" >"$work/evil.json"
mv "$work/evil.json" "$work/plan.json"
evil="\"'; DROP TABLE x; --\"\"😀\""
db=postgres
change 'CREATE DATABASE evil'
db=evil
change "CREATE TABLE public.\"$long\" ($evil int, \"Order By\" text, \"%L\" int,
            PRIMARY KEY ($evil));
        CREATE UNIQUE INDEX \"TITLE \"\"\" ON public.\"$long\" (\"Order By\") WHERE \"%L\" > 0;
        CREATE TABLE public.$evil (\"a%sb\" int PRIMARY KEY, \"$long\" int
            REFERENCES public.\"$long\" ON DELETE CASCADE);
        COMMENT ON INDEX public.\"TITLE \"\"\" IS 'it''s \\ %I';
        INSERT INTO public.\"$long\" SELECT n, n FROM generate_series(1, 5) AS n;
        INSERT INTO public.$evil SELECT n, n FROM generate_series(1, 5) AS n"
for mode in online window; do
    copy "evil_$mode" evil
    begins
    migrate "$mode" "hostile names, $mode"
    is "$(quiet -c "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND convalidated
                       AND connamespace = 'public'::regnamespace AND cardinality(conkey) = 2 AND confdeltype = 'c'")" 1 \
        "hostile names, $mode: the foreign key is the new one"
    ends "hostile names, $mode"
done

# ---- what stands in the way ----

plan_of "$work/own.plan"
copy obstacles rich
change "CREATE TABLE public.others (role int CONSTRAINT theirs REFERENCES public.roles);
        CREATE VIEW public.counted AS SELECT id, title, count(*) FROM public.roles GROUP BY id"
like "$(asked work_keys online takes "WHERE part = 'refused'")" \
    "^foreign key 'theirs' of 'others' depends on the old key.*; view 'counted' groups by" \
    'what depends on an old key and has no place in the plan is a refusal'
is "$(asked work_keys online 'done' "WHERE part = 'refused'")" f 'that is never done'

# ---- before anything is taken back ----

# verdicts: what the checks say, those that read rows having been run.
verdicts() {
    asked check_undo online "coalesce(query, format('SELECT %L, %L, %L, %L::jsonb', verdict, count, message,
        samples)) || \$q\$ -- \$q\$ || check_name" | sed 's/ -- \([a-z ]*\)$/ \\g (format=unaligned)/' |
        quiet -f -
}
copy precondition rich
begins
migrate online precondition
unlike "$(verdicts)" '^(fail|warn|unknown)' 'just after the migration all can be taken back'
[ "$(verdicts | grep -c '^pass')" -gt 5 ]
ok $? 'and each old key has been asked about'
change "INSERT INTO public.roles (id, title, code, slot, tenant_code) VALUES (1, '1', '1', 1, 'two');
        INSERT INTO public.grants (number, role, tenant_code) VALUES (1, 1, 'two')"
found=$(verdicts)
like "$found" "^fail\|1\|\"Roles'key\" on public.roles could not be unique again.*\|\[\{\"id\": 1, \"times\": 2\}\]$" \
    'a value that two tenants have is found, with a sample'
like "$found" '^fail\|1\|public.roles_title could not be unique' 'also of a replaced index'
like "$found" '^fail\|1\|public."Odd ""Code" could not be' 'of one with an odd name'
like "$found" '^fail\|1\|roles_slot on public.roles could not be' 'and of a constraint'
like "$found" '^pass\|0\|grants_role_fkey on public.grants would hold again' \
    'a foreign key is asked about by itself'
change "CREATE VIEW public.theirs AS SELECT tenant_code FROM public.roles;
        CREATE POLICY mine ON public.roles USING (tenant_code = CURRENT_USER);
        CREATE INDEX fast ON public.roles (tenant_code, extra);
        CREATE TABLE public.guests (tenant_code varchar(255), role int,
            CONSTRAINT guests_role_fkey FOREIGN KEY (tenant_code, role) REFERENCES public.roles);
        INSERT INTO tenantdeck.undo (generation, plan, run, step, ordinal, object_type, object, statement)
        SELECT u.generation, u.plan, u.run, u.step, 1000, 'table column', 'public.roles.tenant_code',
               'ALTER TABLE public.roles DROP COLUMN tenant_code'
          FROM tenantdeck.undo u LIMIT 1"
found=$(verdicts)
like "$found" '^fail\|1\|view public.theirs stands on public.roles.tenant_code' 'a view is found'
like "$found" 'CREATE VIEW public.theirs AS' 'with its definition'
like "$found" '^fail\|1\|policy mine on public.roles stands on' 'so is a policy'
like "$found" 'CREATE POLICY mine ON public.roles FOR ALL USING \(' 'with its definition'
like "$found" '^fail\|1\|table constraint guests_role_fkey on public.guests stands on' \
    'so is a foreign key of a table that is not in the plan'
like "$found" '^warn\|1\|index public.fast would go with public.roles.tenant_code' \
    'an index that would go silently is named'
change "ALTER TABLE public.roles RENAME slot TO place"
like "$(verdicts)" '^fail\|1\|public.roles has no column slot, so that' 'a column that is gone is told'

# ---- Citus ----

jq -c '.distribute = true' "$work/plan.json" >"$work/far.json"
mv "$work/far.json" "$work/plan.json"
copy far rich
is "$(asked work_distribute window "string_agg(takes, '')" "WHERE part = 'refused'" | cut -c 1-43)" \
    "this database has no extension 'citus'; CRE" 'without Citus it is refused, with the reason'

# A cluster of one node, which reaches itself by its socket.
start_citus() {
    plugins=$(quiet -c "SELECT '-c output_plugin_libraries=citus' FROM pg_settings
                         WHERE name = 'output_plugin_libraries'")
    td_new_directory
    PGHOST=$td_made
    (td_run_server "$(td_pg_program initdb)" -D "$PGHOST/data" -U postgres --auth=trust -E UTF8 \
        --locale=C.UTF-8 --no-sync --no-instructions) >"$PGHOST/initdb.log" 2>&1 || return 1
    # shellcheck disable=SC2086 # an option and its value, or nothing
    (td_keep "$PGHOST" INT "$(td_pg_program postgres)" -D "$PGHOST/data" -c listen_addresses= $plugins \
        -c port="$PGPORT" -c unix_socket_directories="$PGHOST" -c fsync=off \
        -c shared_preload_libraries=citus -c citus.shard_count=2 -c wal_level=logical \
        -c citus.local_hostname="$PGHOST" -c max_prepared_transactions=50 \
        </dev/null >/dev/null 2>&1 &)
    db=postgres
    td_until 30 quiet -c 'CREATE EXTENSION citus'
}

if [ "$(quiet -c "SELECT count(*) FROM pg_available_extensions WHERE name = 'citus'")" = 0 ]; then
    skip 'tables are distributed, and brought back' 'no citus'
elif ! start_citus; then
    ok 1 'a server with Citus starts'
else
    for mode in window online; do
        db=postgres
        change "CREATE DATABASE far_$mode"
        db=far_$mode
        change "CREATE EXTENSION citus;
                CREATE TABLE public.roles (id serial PRIMARY KEY, title text, code text, slot int,
                    deleted_at date);
                CREATE MATERIALIZED VIEW public.titles AS SELECT title FROM public.roles;
                CREATE UNIQUE INDEX titles_title ON public.titles (title);
                CREATE TABLE public.grants (number serial, role int);
                INSERT INTO public.roles SELECT n, n, n, n FROM generate_series(1, 9) AS n;
                INSERT INTO public.grants SELECT n, n FROM generate_series(1, 9) AS n;
                REFRESH MATERIALIZED VIEW public.titles"
        begins
        for generator in work_not_null work_keys work_indexes work_distribute work_foreign_keys; do
            runs "Citus, $mode: $generator goes through" performs "$generator" "$mode"
        done
        is "$(quiet -c "SELECT count(*), count(DISTINCT colocationid) FROM pg_dist_partition")" '2|1' \
            "Citus, $mode: the tables are distributed, in one group"
        is "$(quiet -c "SELECT count(*) FROM public.grants g
                          JOIN public.roles r USING (tenant_code) WHERE r.id = g.role")" 9 \
            "Citus, $mode: all rows are there"
        is "$(quiet -c "SELECT format_type(atttypid, NULL) FROM pg_attribute
                         WHERE attrelid = 'public.roles'::regclass AND attname = 'id'")" \
            "$([ "$mode" = window ] && echo bigint || echo integer)" \
            "Citus, $mode: ids are wide where a table may be rewritten"
        ends "Citus, $mode"
        is "$(quiet -c 'SELECT count(*) FROM pg_dist_partition')" 0 "Citus, $mode: nothing is distributed"
    done
fi

done_testing
