#!/bin/bash
# Data and names that are hard on a migration, end to end through the program: defects that it must
# refuse before it writes anything, rows that are put aside, names and codes that could break a
# statement, databases that are half-way there already, users who were deleted, two thousand
# organizations. Whatever is migrated is validated, taken back to an identical database, and so on.
. "$(dirname "$0")/../lib.sh"
. "$TD_SRCDIR/tests/migration.sh"
td_start_postgres
td_load_demo 0.05
td_prepare_migration
unset PGDATABASE
admin() { PGOPTIONS='-c client_min_messages=warning' psql -X -q -v ON_ERROR_STOP=1 -d "$@" >"$work/admin" 2>&1 ||
    td_bail "$(cat "$work/admin")"; }
admin postgres -c 'ALTER DATABASE mentoring RENAME TO pristine' -c 'CREATE DATABASE dirty'
"$TENANTDECK" -d dbname=dirty --operator --yes demo load --scale 0.05 --dirty >"$work/said" 2>&1 ||
    td_bail "$(cat "$work/said")"

# copy NAME TEMPLATE: that database anew; remember NAME: what it is now; same NAME: is it that again?
copy() { admin postgres -c "DROP DATABASE IF EXISTS \"$1\" WITH (FORCE)" -c "CREATE DATABASE \"$1\" TEMPLATE \"$2\""; }
picture() {
    td_schema "$1"
    pg_dump --data-only --inserts -N tenantdeck -d "$1" | grep -v '^\\\(un\)\{0,1\}restrict ' | LC_ALL=C sort
}
remember() { picture "$1" >"$work/$1.before"; }
same() {
    picture "$1" >"$work/$1.after"
    cmp -s "$work/$1.before" "$work/$1.after"
    ok $? "$2" || td_note "$(diff "$work/$1.before" "$work/$1.after" | cut -c 1-200 | head -n 20)"
}

# on PLAN DATABASE WORDS...: what it said is in $work/said.
on() {
    local plan=$1 database=$2
    shift 2
    (cd "$work" && "$TENANTDECK" -d "dbname=$database" -p "./$plan.plan" --yes --confirm="$database" "$@") \
        >"$work/said" 2>&1
}
does() { # NAME PLAN DATABASE WORDS...
    local name=$1
    shift
    on "$@"
    ok $? "$name" || td_note "$(grep -v ' info ' "$work/said" | tail -n 8)"
}
found() { # DATABASE [MORE]: the findings of the newest run, as VERDICT GROUP NAME SUBJECT [COUNT] …
    td_ask "$1" "SELECT format('%s %s %s %s [%s]: %s | %s | %s', verdict, check_group, check_name, subject, count,
                               message, samples, fix)
                   FROM tenantdeck.finding WHERE run = (SELECT max(id) FROM tenantdeck.run) ${2:-}"
}

# there_and_back NAME PLAN DATABASE [MODE]: migrated and right; taken back, and as it was.
there_and_back() {
    remember "$3"
    for mode in ${4:---online --window}; do
        does "$1, $mode: the migration comes to its end" "$2" "$3" migrate --no-backup $mode
        is "$(td_leftovers "$3")" '' "$1, $mode: nothing is left over"
        [ -z "${look:-}" ] || $look "$3" "$1, $mode"
        does "$1, $mode: it is found right" "$2" "$3" validate
        does "$1, $mode: once more finds everything done" "$2" "$3" migrate --no-backup $mode
        does "$1, $mode: all of it is taken back" "$2" "$3" rollback
        same "$3" "$1, $mode: definitions and rows are those of before"
        is "$(td_leftovers "$3")" '' "$1, $mode: and nothing is left over"
    done
}

# ---- planted defects ----

copy hard dirty
remember hard
PGDATABASE=dirty td_codes >"$work/data_codes.csv"
for mode in --online --window; do
    on mentoring hard migrate --no-backup $mode
    is $? 1 "dirty, $mode: refused"
    like "$(cat "$work/said")" "integrity: step 'integrity' did not come to its end: 9 of .* checks failed" \
        "dirty, $mode: by the step that reads the data"
    same hard "dirty, $mode: nothing was changed"
done
refused=$(found hard "AND verdict = 'fail'")
for defect in 'references keys organization_extension \[1\]: organization_id is not in the mapping .*"21"' \
    'references keys user_extensions \[15\]: .*values: 2' 'references keys forms \[2\]: .*"77".*add them to the mapping' \
    'references parents session_attendees \[6\]: session_id is not in sessions .*DELETE FROM public.session_attendees' \
    'references parents post_session_details \[3\]: ' 'references parents resources \[2\]: ' \
    'references parents entities \[4\]: entity_type_id is not in entity_types .*say .orphans = default. or' \
    'keys primary key \(tenant_code, id\) session_attendees \[2\]: .*"id": 12.*within a tenant' \
    'keys primary key \(tenant_code, id\) availabilities \[2\]: '; do
    like "$refused" "^fail $defect" "dirty: told with table, number, sample and mend: ${defect%% *}"
done
is "$(wc -l <<<"$refused")" 9 'dirty: and that is all'
like "$(found hard "AND verdict = 'warn'")" '^warn references users sessions \[25\]: .*they get the default' \
    'dirty: what gets the default is told as well'

# Mended by what was offered: orphans deleted, keys added, of two rows with one number one gets another.
td_ask hard "SELECT fix FROM tenantdeck.finding WHERE run = (SELECT max(id) FROM tenantdeck.run)
              AND verdict = 'fail' AND check_name = 'parents'" | psql -X -q -v ON_ERROR_STOP=1 -d hard
is "$?" 0 'dirty: the mends can be run as they stand'
td_ask hard "SELECT fix FROM tenantdeck.finding WHERE run = (SELECT max(id) FROM tenantdeck.run)
              AND verdict = 'fail' AND check_name = 'keys'" | psql -X -q -At -F, -d hard | cut -d, -f1 | sort -u \
    >"$work/lacking"
is "$(tr '\n' ' ' <"$work/lacking")" '21 77 ' 'dirty: and the lists name what the mapping lacks'
twice=$(td_ask hard "SELECT fix FROM tenantdeck.finding WHERE run = (SELECT max(id) FROM tenantdeck.run)
                      AND verdict = 'fail' AND subject = 'availabilities'" | psql -X -q -At -d hard)
is "$(wc -l <<<"$twice")" 2 'dirty: the rows that are alike are shown'
renumber='UPDATE session_attendees SET id = 990011 WHERE ctid = (SELECT max(ctid) FROM session_attendees WHERE id = 12);
    UPDATE availabilities a SET id = 990003 WHERE ctid = (SELECT max(ctid) FROM availabilities
        WHERE id = (SELECT id FROM availabilities GROUP BY id HAVING count(*) > 1))'
admin hard -c "$renumber"
sed 's/$/,late,default_tenant/' "$work/lacking" >>"$work/data_codes.csv"
there_and_back mended mentoring hard
does 'mended: and there again' mentoring hard migrate --no-backup

# ---- rows that are put aside ----

PGDATABASE=dirty td_codes >"$work/data_codes.csv"
tables='organization_extension\|user_extensions\|forms\|session_attendees\|post_session_details\|resources\|entities'
sed "s/^\[table \"\($tables\)\"\]/&\n    orphans = park/" "$TD_SRCDIR/data/plans/mentoring.plan" >"$work/park.plan"
copy hard dirty
admin hard -c "$renumber"
look=parked
parked() {
    is "$(td_ask "$1" "SELECT string_agg(unit || ' ' || n, ', ' ORDER BY unit)
                         FROM (SELECT unit, count(*) AS n FROM tenantdeck.parked GROUP BY unit) AS p")" \
        'entities 4, forms 2, organization_extension 1, post_session_details 3, resources 2, session_attendees 6, user_extensions 15' \
        "$2: the rows are put aside"
    is "$(td_ask "$1" "SELECT count(*) FROM session_attendees WHERE tenant_code IS NULL")" 6 "$2: without codes"
    like "$(found "$1" "AND verdict = 'warn'")" \
        'codes entities \[4\]: .*put aside, of no tenant: 4; as long as they have no codes, the old primary key stays and codes may be NULL' \
        "$2: which is told, with what it keeps from being set"
    is "$(td_ask "$1" "SELECT string_agg(relname || ' ' || attnotnull, ', ' ORDER BY relname) FROM pg_attribute
                         JOIN pg_class c ON c.oid = attrelid AND relname IN ('forms', 'issues', 'sessions')
                        WHERE attname = 'tenant_code' AND relkind = 'r'")" \
        'forms false, issues true, sessions true' "$2: NOT NULL is left out there, and only there"
    is "$(td_ask "$1" "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'entities_pkey'")" \
        'PRIMARY KEY (id, entity_type_id)' "$2: the old primary key stays"
    is "$(td_ask "$1" "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND convalidated
                          AND connamespace = 'public'::regnamespace")" 4 \
        "$2: foreign keys hold for the others"
}
there_and_back park park hard
look=
does 'park: there again' park hard migrate --no-backup
sed 's/$/,late,default_tenant/' "$work/lacking" >>"$work/data_codes.csv"
does 'park: with codes for them' park hard migrate --no-backup
is "$(td_ask hard "SELECT attnotnull FROM pg_attribute WHERE attrelid = 'forms'::regclass AND attname = 'tenant_code'"),$(
    td_ask hard "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'user_extensions_pkey'"),$(
    td_ask hard "SELECT count(*) FROM tenantdeck.parked WHERE unit IN ('forms', 'user_extensions')")" \
    't,PRIMARY KEY (tenant_code, user_id),0' 'park: NOT NULL and the keys follow'
does 'park: rollback of both' park hard rollback
same hard 'park: and all is as before'

sed 's/^\[table "entity_types"\]/&\n    orphans = park/' "$TD_SRCDIR/data/plans/mentoring.plan" >"$work/child.plan"
copy hard pristine
admin hard -c "UPDATE entity_types SET organization_id = '99' WHERE id = 1"
remember hard
on child hard migrate --no-backup
is $? 1 'park: children of a row that is put aside, whose table refuses'
like "$(found hard "AND verdict = 'fail'")" '^fail references parents entities .*leads to a row that is put aside' \
    'park: are told before anything is written'
same hard 'park: so that nothing was'

# ---- names and codes ----

cat >"$work/hostile.sql" <<'END'
CREATE SCHEMA "od d'; --";
SET search_path = "od d'; --";
CREATE TABLE "us""er" ("select" integer PRIMARY KEY, "org %s 😀" text NOT NULL, "Note $$" text);
CREATE TABLE "'; DROP TABLE x; --" ("row" integer NOT NULL, "rows" text NOT NULL, "who?" integer,
    "$tenantdeck$" text, CONSTRAINT "pk '; --" PRIMARY KEY ("row", "rows"));
CREATE TABLE "a_name_of_sixty-three_bytes_that_is_as_long_as_a_name_may_be__1" (id bigserial PRIMARY KEY,
    why integer, "$$" text);
CREATE TABLE "a_name_of_sixty-three_bytes_that_is_as_long_as_a_name_may_be__2" (id bigserial PRIMARY KEY,
    why integer, "$tenantdeck$" text);
CREATE TABLE "$tenantdeck$" ("$1" serial CONSTRAINT "$$" PRIMARY KEY, "ORG" text NOT NULL, UNIQUE ("ORG", "$1"));
CREATE TABLE "😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀" ("🗝" integer PRIMARY KEY, "ORG" text NOT NULL, "table" text);
CREATE TABLE "SELECT" ("from" integer PRIMARY KEY, "user" integer);
CREATE TABLE "%I %s %1$s" (id int PRIMARY KEY, "a\b" text);
CREATE UNIQUE INDEX "a,(b" ON "'; DROP TABLE x; --" ("rows", "row") WHERE "rows" <> '";''';
CREATE UNIQUE INDEX "an_index_of_sixty-three_bytes_that_is_as_long_as_names_may_be_1"
    ON "a_name_of_sixty-three_bytes_that_is_as_long_as_a_name_may_be__1" (why, id);
CREATE INDEX "plain '""" ON "'; DROP TABLE x; --" ("who?");
INSERT INTO "us""er" SELECT n, (ARRAY['$$', E'\\', '''', '"', 'é😀', '$tenantdeck$', repeat('k', 255),
    ''';DROP TABLE x;--', E'line\nbreak', '%s'])[1 + n % 10], 'n' FROM generate_series(1, 400) n;
INSERT INTO "'; DROP TABLE x; --" SELECT n, 'a' || n, CASE WHEN n % 9 > 0 THEN 1 + n % 400 END, '$tenantdeck$'
    FROM generate_series(1, 800) n;
INSERT INTO "a_name_of_sixty-three_bytes_that_is_as_long_as_a_name_may_be__1" (why)
    SELECT 1 + n % 800 FROM generate_series(1, 1200) n;
INSERT INTO "a_name_of_sixty-three_bytes_that_is_as_long_as_a_name_may_be__2" (why)
    SELECT 1 + n % 800 FROM generate_series(1, 1200) n;
INSERT INTO "$tenantdeck$" ("ORG") SELECT "org %s 😀" FROM "us""er";
INSERT INTO "😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀" SELECT "select", "org %s 😀" FROM "us""er";
INSERT INTO "SELECT" SELECT n, 1 + n % 400 FROM generate_series(1, 300) n;
INSERT INTO "%I %s %1$s" SELECT n FROM generate_series(1, 10) n;
END
cat >"$work/hostile.plan" <<'END'
[plan]
    name = hostile
    kind = columns
    title = "names '; DROP TABLE x; -- $$ $tenantdeck$ %s"
    schema = "\"od d'; --\""
[mapping]
    file = hostile.csv
    key = the key
    organization = org
    tenant = ten
    default = 0 \"no'ne %s\" \"no$$ne\"
    users = \"us\"\"er\".select \"org %s 😀\"
[column "ten\"ant %I $$"]
    type = varchar(255)
    role = tenant
[column "or'g $tenantdeck$"]
    type = varchar(255)
    role = organization
[table "us\"er"]
    from = own \"org %s 😀\"
    primary key = \"ten\"\"ant %I $$\" select
    index = "\"or'g $tenantdeck$\" \"Note $$\" named \"ix '; --\""
[table "'; DROP TABLE x; --"]
    from = user who?
    orphans = default
    primary key = \"ten\"\"ant %I $$\" row
    unique = \"ten\"\"ant %I $$\" rows row replacing \"a,(b\"
    index = \"ten\"\"ant %I $$\" $tenantdeck$
[table "a_name_of_sixty-three_bytes_that_is_as_long_as_a_name_may_be__1"]
    from = "parent \"'; DROP TABLE x; --\".row by why"
    primary key = \"ten\"\"ant %I $$\" id
    unique = \"ten\"\"ant %I $$\" why id replacing an_index_of_sixty-three_bytes_that_is_as_long_as_names_may_be_1
    index = \"ten\"\"ant %I $$\" why
    index = \"ten\"\"ant %I $$\" \"$$\"
    foreign key = "\"ten\"\"ant %I $$\" why -> \"'; DROP TABLE x; --\" \"ten\"\"ant %I $$\" row"
[table "a_name_of_sixty-three_bytes_that_is_as_long_as_a_name_may_be__2"]
    from = "parent \"'; DROP TABLE x; --\".row by why"
    primary key = \"ten\"\"ant %I $$\" id
    index = \"ten\"\"ant %I $$\" why
    index = \"ten\"\"ant %I $$\" $tenantdeck$
    foreign key = "\"ten\"\"ant %I $$\" why -> \"'; DROP TABLE x; --\" \"ten\"\"ant %I $$\" row"
[table "$tenantdeck$"]
    from = own ORG
    primary key = \"ten\"\"ant %I $$\" $1
[table "😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀"]
    from = own ORG
    primary key = \"ten\"\"ant %I $$\" 🗝
    index = \"ten\"\"ant %I $$\" ORG table
[table "SELECT"]
    from = user user
    primary key = \"ten\"\"ant %I $$\" from
[table "%I %s %1$s"]
    from = constant
    primary key = \"ten\"\"ant %I $$\" id
END
admin postgres -c 'CREATE DATABASE hostile'
admin hostile -f "$work/hostile.sql"
cat >"$work/codes.sql" <<'END'
CREATE TABLE public.codes AS SELECT * FROM unnest(
    ARRAY['$$', E'\\', '''', '"', 'é😀', '$tenantdeck$', repeat('k', 255), ''';DROP TABLE x;--', E'line\nbreak', '%s'],
    ARRAY['o''n', 'o"n', E'o\\n', '$$', '$tenantdeck$', repeat('o', 255), repeat('😀', 255), '''; DROP TABLE y; --',
          '%L', 'a,b'],
    ARRAY['te''n', 'te"n', E'te\\n', '$$', '$tenantdeck$', repeat('t', 255), repeat('😀', 255), '''; DROP TABLE x; --',
          '%s %1$s', 'a b']) AS c (key, org, ten);
END
admin hostile -f "$work/codes.sql"
{ echo 'the key,org,ten' && psql -X -q -d hostile -c 'COPY public.codes TO STDOUT (FORMAT csv)'; } >"$work/hostile.csv"

look=hostile
hostile() {
    is "$(td_ask "$1" "SET search_path = \"od d'; --\";
        SELECT (SELECT count(*) FROM \"us\"\"er\" u LEFT JOIN public.codes c ON c.key = u.\"org %s 😀\"
                 WHERE (u.\"ten\"\"ant %I \$\$\", u.\"or'g \$tenantdeck\$\") IS DISTINCT FROM (c.ten, c.org)),
               (SELECT count(*) FROM \"'; DROP TABLE x; --\" x LEFT JOIN \"us\"\"er\" u ON u.\"select\" = x.\"who?\"
                 WHERE x.\"ten\"\"ant %I \$\$\" <> coalesce(u.\"ten\"\"ant %I \$\$\", 'no\$\$ne')),
               (SELECT count(*) FROM \"a_name_of_sixty-three_bytes_that_is_as_long_as_a_name_may_be__2\" a
                  JOIN \"'; DROP TABLE x; --\" x ON x.\"row\" = a.why
                 WHERE a.\"ten\"\"ant %I \$\$\" <> x.\"ten\"\"ant %I \$\$\"),
               (SELECT count(DISTINCT \"ten\"\"ant %I \$\$\") FROM \"\$tenantdeck\$\"),
               (SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND convalidated
                   AND connamespace = '\"od d''; --\"'::regnamespace)")" '0|0|0|10|2' \
        "$2: every row has the codes it should have, letter by letter"
    is "$(td_ask "$1" "SELECT count(*), max(octet_length(relname)) FROM pg_index JOIN pg_class c ON c.oid = indexrelid
                        WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname LIKE 'od d%')
                          AND relname LIKE 'a\\_name%idx%' OR relname LIKE 'a\\_name%\\_________'")" '4|63' \
        "$2: names that came out too long were cut, and none stands in the way of another"
    [ "${2#*, }" = --online ] || return
    is "$(td_ask "$1" "BEGIN; SET LOCAL search_path = \"od d'; --\";
        INSERT INTO \"us\"\"er\" VALUES (9001, repeat('k', 255));
        INSERT INTO \"'; DROP TABLE x; --\" VALUES (9001, 'new', 9001);
        INSERT INTO \"a_name_of_sixty-three_bytes_that_is_as_long_as_a_name_may_be__1\" (id, why) VALUES (99999, 9001)
        RETURNING \"ten\"\"ant %I \$\$\" = repeat('😀', 255), \"or'g \$tenantdeck\$\" = repeat('😀', 255); ROLLBACK")" 't|t' \
        "$2: and the triggers give them to new rows"
}
there_and_back hostile hostile hostile
look=
sed "s/,te'n\$/,$(printf 'x%.0s' $(seq 256))/" "$work/hostile.csv" >"$work/longer" &&
    mv "$work/longer" "$work/hostile.csv"
on hostile hostile migrate --no-backup
is $? 1 'hostile: a code of 256 letters is refused'
same hostile 'hostile: before anything is written'

# ---- half-way there ----

PGDATABASE=pristine td_codes >"$work/data_codes.csv"
added="DO \$\$ DECLARE t text; BEGIN
    FOR t IN SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
                AND relname NOT IN ('permissions', 'role_permission_mapping', 'sequelize_meta', 'session_enrollments',
                                    'session_ownerships', 'session_request_mapping') LOOP
        EXECUTE format('ALTER TABLE public.%I ADD tenant_code varchar(255), ADD organization_code varchar(255)', t);
    END LOOP; END \$\$"
copy empty pristine
admin empty -c "$added" -c "INSERT INTO sequelize_meta VALUES ('20250721250000-complete-tenant-code-migration.js')"
# As the released migrations leave it: one tenant, NOT NULL, the new keys, foreign keys by the tenant.
copy filled empty
admin filled -c "DO \$\$ DECLARE t record; BEGIN
    FOR t IN SELECT conrelid::regclass AS name, conname, replace(pg_get_constraintdef(c.oid), '(', '(tenant_code, ') AS key
               FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = conrelid AND attname = 'tenant_code'
              WHERE contype = 'p' LOOP
        EXECUTE format('UPDATE %s SET tenant_code = %L, organization_code = %L', t.name, 'default', 'default_code');
        EXECUTE format('ALTER TABLE %s ALTER tenant_code SET NOT NULL, ALTER organization_code SET NOT NULL,
                        DROP CONSTRAINT %I, ADD CONSTRAINT %2\$I %s', t.name, t.conname, t.key);
    END LOOP; END \$\$" -c "DROP INDEX unique_entities_value" \
    -c "CREATE UNIQUE INDEX unique_entities_value_tenant ON entities (tenant_code, value, entity_type_id) WHERE deleted_at IS NULL" \
    -c "ALTER TABLE session_attendees ADD CONSTRAINT fk_attendees FOREIGN KEY (session_id, tenant_code)
        REFERENCES sessions (id, tenant_code) ON DELETE CASCADE" \
    -c "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.updated_at := now(); RETURN NEW; END'" \
    -c 'CREATE TRIGGER touch BEFORE UPDATE ON sessions FOR EACH ROW EXECUTE FUNCTION touch()'

state() { # DATABASE: what preflight says of it
    on mentoring "$1" preflight
    is $? 0 "$1: preflight lets it begin"
    found "$1" "AND check_group = 'state'"
}
copy hard pristine
like "$(state hard)" '^pass state columns .*: before the migration: none of 26' 'preflight knows a database as it was'
like "$(state empty)" '^pass state columns .*: the columns of all 26 .* and empty' 'one with empty columns'
said=$(state filled)
like "$said" '^warn state columns .*: filled with one tenant: all rows of 26 tables are of default' \
    'and one that the released migrations have filled'
like "$said" '^warn state Sequelize .*add-index-to-sessions' 'with the migrations that were run'

look=halfway
halfway() {
    is "$(td_ask "$1" "SELECT count(*) FROM sessions s LEFT JOIN user_extensions u ON u.user_id = s.created_by
                         LEFT JOIN tenantdeck.mapping m ON m.key = u.organization_id
                        WHERE s.tenant_code IS DISTINCT FROM COALESCE(m.tenant_code, 'default_tenant')")" 0 \
        "$2: every session has the tenant of its author"
    is "$(td_ask "$1" 'SELECT count(DISTINCT tenant_code) FROM session_attendees')" \
        "$(td_ask "$1" 'SELECT count(DISTINCT tenant_code) FROM sessions')" "$2: and its attendees, too"
}
there_and_back empty mentoring empty
there_and_back filled mentoring filled
look=
# A row that came later, and that a parent with its old values would leave alone.
copy hard filled
remember hard
does 'filled: migrated once more' mentoring hard migrate --no-backup
admin hard -c "INSERT INTO session_attendees (id, mentee_id, session_id, time_zone, created_at, updated_at)
               SELECT 990000, 'later', min(id), 'x', now(), now() FROM sessions WHERE tenant_code <> 'default'"
on mentoring hard rollback
is $? 1 'filled: rows written since that the old values would leave alone stop the rollback'
like "$(cat "$work/said")" 'rows of public.session_attendees, written since, would lead nowhere by fk_attendees when public.sessions has its old values again' \
    'filled: with the reason'
like "$(cat "$work/said")" 'nothing was taken back' 'filled: and before anything is taken back'
admin hard -c "DELETE FROM session_attendees WHERE mentee_id = 'later'"
does 'filled: without them it goes on' mentoring hard rollback
same hard 'filled: to what was there'

# ---- users who were deleted softly ----

admin postgres -c 'CREATE DATABASE chat'
admin chat -c "CREATE TABLE users (user_id varchar(255) PRIMARY KEY, user_info jsonb, is_admin boolean,
                   created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL, deleted_at timestamptz);
    INSERT INTO users SELECT n::text, jsonb_build_object('n', n), n % 50 = 0, '2025-01-01', '2025-01-02',
           CASE WHEN n % 7 = 0 THEN '2025-05-05'::timestamptz END FROM generate_series(1, 3000) n"
{ echo user_id,tenant_code && seq 2990 | awk '{ print $1 ",tenant_" $1 % 5 }'; } >"$work/user_tenant_mapping.csv"
look=chat
chat() {
    is "$(td_ask "$1" "SELECT count(*) FILTER (WHERE tenant_code = 'tenant_' || user_id::int % 5), count(*) FILTER
                              (WHERE tenant_code = 'default_tenant'), count(deleted_at), count(*) FROM users")" \
        '2990|10|428|3000' "$2: each user has the own tenant, those of no mapping the default, deleted ones as well"
    is "$(td_ask "$1" "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'users'::regclass")" \
        'PRIMARY KEY (user_id, tenant_code)' "$2: the key is the new one"
    is "$(td_ask "$1" "SELECT max(updated_at)::date FROM users")" 2025-01-02 "$2: updated_at is as it was"
}
there_and_back chat chat chat
look=

# ---- many organizations; no rows, no key, no plain table ----

cat >"$work/many.plan" <<'END'
[plan]
    name = many
    kind = columns
[mapping]
    file = many.csv
    key = organization_id
    default = 0 none nobody
    users = people.id org
[column "tenant_code"]
    type = varchar(255)
[column "organization_code"]
    type = varchar(255)
[table "people"]
    from = own org
    primary key = tenant_code id
[table "orders"]
    from = user owner
    primary key = tenant_code id
    index = tenant_code owner
[table "lines"]
    from = parent orders.id by order_id
    primary key = tenant_code id
    foreign key = tenant_code order_id -> orders tenant_code id
[table "nothing"]
    from = own org
    primary key = tenant_code id
[table "bare"]
    from = own org
    index = tenant_code org
END
{ echo organization_id,organization_code,tenant_code && seq 0 1999 | awk '{ print $1 ",org_" $1 ",tenant_" $1 % 7 }'; } \
    >"$work/many.csv"
admin postgres -c 'CREATE DATABASE many'
admin many -c "CREATE TABLE people (id int PRIMARY KEY, org int NOT NULL, name text);
    CREATE TABLE orders (id int PRIMARY KEY, owner int, note text);
    CREATE TABLE lines (id int PRIMARY KEY, order_id int NOT NULL);
    CREATE TABLE nothing (id int PRIMARY KEY, org int);
    CREATE TABLE bare (org int, what text);
    INSERT INTO people SELECT n, n % 2000, 'p' || n FROM generate_series(1, 4000) n;
    INSERT INTO orders SELECT n, 1 + n % 4000, repeat('x', 40) FROM generate_series(1, 20000) n;
    INSERT INTO lines SELECT n, 1 + n % 20000 FROM generate_series(1, 40000) n;
    INSERT INTO bare SELECT n % 2000, 'row' FROM generate_series(1, 3000) n;
    INSERT INTO bare SELECT 1, 'the same' FROM generate_series(1, 50) n"
look=many
many() {
    is "$(td_ask "$1" "SELECT (SELECT count(*) FROM lines l JOIN orders o ON o.id = l.order_id JOIN people p ON p.id = o.owner
                                WHERE l.organization_code = 'org_' || p.org AND l.tenant_code = 'tenant_' || p.org % 7),
                              (SELECT count(DISTINCT organization_code) FROM lines),
                              (SELECT count(*) FROM bare WHERE organization_code = 'org_' || org),
                              (SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'nothing'::regclass)")" \
        '40000|2000|3050|PRIMARY KEY (tenant_code, id)' "$2: every row has the codes of its organization"
}
there_and_back many many many
look=
admin many -c "ALTER TABLE bare RENAME TO whole; CREATE TABLE bare (org int, what text) PARTITION BY HASH (org);
    CREATE TABLE bare_0 PARTITION OF bare FOR VALUES WITH (modulus 2, remainder 0);
    CREATE TABLE bare_1 PARTITION OF bare FOR VALUES WITH (modulus 2, remainder 1);
    INSERT INTO bare SELECT * FROM whole"
remember many
for mode in --online --window; do
    on many many migrate --no-backup $mode
    is $? 1 "a partitioned table, $mode: refused"
    like "$(cat "$work/said")" 'bare: is partitioned; only plain tables can be migrated' "a partitioned table, $mode: with the reason"
    same many "a partitioned table, $mode: and nothing was changed"
done

done_testing
