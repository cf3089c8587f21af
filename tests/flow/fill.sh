#!/bin/bash
# fill: columns, triggers and codes on tables of every kind. Every value is compared with what plain
# SQL says it should be; and what a batch, a pass or a trigger must not do is looked for.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../plans.sh"

td_begin_plans
td_start_postgres

# fill_in DATABASE PLAN OPTION...: the steps up to the fill; what the last one said is in $work/said.
fill_in() {
    local database="postgresql://postgres@/$1?host=$PGHOST&port=$PGPORT" plan=$2
    shift 2
    for step in preflight mapping integrity columns fill; do
        "$TENANTDECK" -d "$database" -p "$plan" --operator --yes run "$step" "$@" \
            >"$work/said" 2>&1 || { td_note "step $step:"; td_note "$(tail -n 3 "$work/said")"; return 1; }
    done
}

sql() { # DATABASE SQL
    psql -X -q -At -v ON_ERROR_STOP=1 -d "$1" -c "$2" 2>&1
}

# A database of its own: users, a parent and its children, with an application's trigger.
make() { # DATABASE
    psql -X -q -d postgres -c "CREATE DATABASE \"$1\""
    psql -X -q -v ON_ERROR_STOP=1 -d "$1" <<'SQL'
CREATE TABLE users (id text PRIMARY KEY, org text);
INSERT INTO users SELECT n::text, (n % 3 + 1)::text FROM generate_series(1, 90) AS n;
CREATE TABLE parents (id integer PRIMARY KEY, owner text, note text, updated_at timestamptz);
INSERT INTO parents SELECT n, (n % 90 + 1)::text, repeat('x', 200), '2020-01-01'
  FROM generate_series(1, 12000) AS n;
CREATE TABLE children (id bigint, parent integer, updated_at timestamptz, note text,
                       PRIMARY KEY (parent, id));
INSERT INTO children SELECT n, n % 12000 + 1, '2020-01-01', repeat('y', 60)
  FROM generate_series(1, 40000) AS n;
CREATE INDEX ON children (id);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN NEW.updated_at := now(); RETURN NEW; END $$;
CREATE TRIGGER touch BEFORE UPDATE ON parents FOR EACH ROW EXECUTE FUNCTION touch();
CREATE TRIGGER touch BEFORE UPDATE ON children FOR EACH ROW EXECUTE FUNCTION touch();
VACUUM ANALYZE;
SQL
}

td_columns_plan plain '    default = 1 org_a tenant_a
    users = users.id org' <<'PLAN'
[table "users"]
    from = own org
[table "parents"]
    from = user owner
    orphans = default
    primary key = tenant_code id
[table "children"]
    from = parent parents.id by parent
    foreign key = tenant_code parent -> parents tenant_code id
PLAN
td_codes_csv 1,org_a,tenant_a 2,org_b,tenant_b "3,org'c,\"tenant \$\$; DROP\""

# Rows whose codes are not those of their user, or of their parent.
wrong="SELECT (SELECT count(*) FROM parents p LEFT JOIN users u ON u.id = p.owner
                 LEFT JOIN tenantdeck.mapping m ON m.plan = 'plain' AND m.key = u.org
                WHERE p.tenant_code IS DISTINCT FROM coalesce(m.tenant_code, 'tenant_a')
                   OR p.organization_code IS DISTINCT FROM coalesce(m.organization_code, 'org_a'))
            + (SELECT count(*) FROM users u LEFT JOIN tenantdeck.mapping m
                      ON m.plan = 'plain' AND m.key = u.org
                WHERE u.tenant_code IS DISTINCT FROM m.tenant_code)
            + (SELECT count(*) FROM children c LEFT JOIN parents p ON p.id = c.parent
                WHERE (c.tenant_code, c.organization_code)
                      IS DISTINCT FROM (p.tenant_code, p.organization_code))"

# ---- beside the application ----

make online
sql online "ALTER DATABASE online SET log_statement = 'all'"
before=$(sql online 'SELECT sum(hashtext(p::text)::bigint) FROM parents p')
fill_in online "$work/plain.plan"
ok $? 'a plan is filled online'
is "$(sql online "$wrong")" 0 'every row has the codes of its user or its parent'
is "$(sql online "SELECT sum(hashtext((p.id, p.owner, p.note, p.updated_at)::text)::bigint)
                    FROM parents p")" "$before" 'and nothing else of it has changed'
td_until 10 sh -c "psql -X -q -At -d online -c \"SELECT n_tup_upd >= 40000
    FROM pg_stat_user_tables WHERE relname = 'children'\" | grep -q t"
is "$(sql online "SELECT n_tup_upd, n_tup_hot_upd > 0.4 * n_tup_upd FROM pg_stat_user_tables
                   WHERE relname = 'children'")" '40000|t' \
    'each row was written once, many of them without a new index entry'
like "$(sql online "SELECT string_agg(part, ',') FROM tenantdeck.checkpoint WHERE unit = 'children'")" \
    'pass 3 begins' 'in several passes'
is "$(sql online "SELECT sum(c.rows) FROM tenantdeck.checkpoint c WHERE c.unit = 'children'")" 40000 \
    'the checkpoints count the rows'
sql online 'ALTER DATABASE online RESET log_statement'
is "$(grep -c 'LOG:  execute tenantdeck_batch:' "$PGHOST/log")" \
    "$(sql online "SELECT count(*) FROM tenantdeck.checkpoint b JOIN tenantdeck.checkpoint p
                       ON p.unit = b.unit AND b.part LIKE replace(p.part, 'begins', 'blocks %')
                    WHERE p.part LIKE '%begins' AND p.next NOT LIKE '%, 0 to 100 per cent'
                   HAVING count(*) > 50")" \
    'the passes by a batch that holds the map, the sweeps by one that looks for itself'
fill_in online "$work/plain.plan"
is "$(sql online "SELECT n_tup_upd FROM pg_stat_user_tables WHERE relname = 'children'")" 40000 \
    'a second run changes nothing'

# ---- the triggers ----

is "$(sql online "INSERT INTO parents (id, owner) VALUES (20001, '2'), (20002, NULL), (20003, '999');
                  SELECT string_agg(tenant_code, ',' ORDER BY id) FROM parents WHERE id > 20000")" \
    'tenant $$; DROP,tenant_a,tenant_a' 'a new row gets its codes, or the default'
is "$(sql online "INSERT INTO parents (id, owner, tenant_code) VALUES (20004, '2', 'my own');
                  SELECT tenant_code, organization_code FROM parents WHERE id = 20004")" \
    "my own|org'c" 'what the application gives itself stays'
sql online "DELETE FROM parents WHERE id = 20004"
is "$(sql online "INSERT INTO children VALUES (50001, 20001);
                  SELECT tenant_code FROM children WHERE id = 50001")" 'tenant $$; DROP' \
    'a child gets what its parent has'
is "$(sql online "INSERT INTO children VALUES (50002, -1);
                  SELECT tenant_code IS NULL FROM children WHERE id = 50002")" t \
    'a child of nobody is taken as it is'
sql online "DELETE FROM children WHERE id = 50002"
is "$(sql online "UPDATE parents SET owner = '3' WHERE id = 1;
                  SELECT tenant_code FROM parents WHERE id = 1")" tenant_a \
    'a row that changes its user changes its codes'
is "$(sql online "UPDATE children SET parent = 20001 WHERE id = 4;
                  SELECT tenant_code FROM children WHERE id = 4")" 'tenant $$; DROP' \
    'and one that changes its parent'
is "$(sql online "UPDATE parents SET owner = '2', tenant_code = 'mine' WHERE id = 7;
                  SELECT tenant_code FROM parents WHERE id = 7")" mine \
    'but not one that is given other codes at the same time'
sql online "UPDATE parents SET owner = '3' WHERE id = 7"
sql online "UPDATE users SET org = '2' WHERE id IN ('3', '5'); INSERT INTO users VALUES ('999', '2')"
is "$(sql online "SELECT string_agg(key, ',' ORDER BY key) FROM tenantdeck.requeue")" 3,5,999 \
    'users who changed their organization are noted, and new ones'
fill_in online "$work/plain.plan"
is "$(sql online "$wrong")|$(sql online 'SELECT count(*) FROM tenantdeck.requeue')" '0|0' \
    'their rows, and the children of these, follow'
sql online 'ALTER TABLE users RENAME COLUMN org TO gone'
is "$(sql online "INSERT INTO parents (id, owner) VALUES (20005, '2') RETURNING tenant_code IS NULL")" t \
    'a trigger that cannot do its work does not end the application'"'"'s statement'
sql online 'DELETE FROM parents WHERE id = 20005; ALTER TABLE users RENAME COLUMN gone TO org'
psql -X -q -d online -c "CREATE ROLE app LOGIN; GRANT INSERT ON parents TO app"
is "$(PGUSER=app sql online "INSERT INTO parents (id, owner) VALUES (20006, '2')")$(
    sql online 'SELECT tenant_code FROM parents WHERE id = 20006')" 'tenant $$; DROP' \
    'a role without any right to the mapping gets its codes, too'

# ---- until the application writes the codes itself ----

online() {
    "$TENANTDECK" -d "postgresql://postgres@/online?host=$PGHOST&port=$PGPORT" \
        -p "$work/plain.plan" --operator --yes "$@" >"$work/said" 2>&1 ||
        td_note "$(tail -n 3 "$work/said")"
}
online migrate
is "$(sql online "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND convalidated
                     AND conrelid = 'children'::regclass")" 1 'the rest of the plan is carried out'
is "$(sql online "UPDATE parents SET owner = '2' WHERE id = 2 RETURNING owner")" 2 \
    'with foreign keys there, a parent may still change its user'
is "$(sql online "SELECT key FROM tenantdeck.requeue")" 2 'and is noted for later'
# One with more rows than a round takes, and more users than the rounds that a fill gives them.
sql online "INSERT INTO parents (id, owner) SELECT 100000 + n, '4' FROM generate_series(1, 61000) AS n;
            UPDATE users SET org = '3' WHERE id = '4';
            INSERT INTO tenantdeck.requeue (plan, key) SELECT 'plain', 'nobody ' || n FROM generate_series(1, 21000) AS n"
online run release
is "$(sql online "SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'tenantdeck%'")|$(
    sql online "SELECT count(*) FROM pg_proc WHERE proname ~ '^(fill|requeue)_'")" '0|0' \
    'step release drops the triggers and their functions'
is "$(sql online "$wrong")|$(sql online 'SELECT count(*) FROM tenantdeck.requeue')" '0|0' \
    'and settles who was noted'

# Numbers too far apart for an array, and parents that have no code.
make sparse
sql sparse 'UPDATE parents SET id = -997 * id; UPDATE children SET parent = -997 * parent'
sql sparse 'UPDATE parents SET owner = NULL WHERE id % 10 = 0'
sql sparse 'VACUUM FULL ANALYZE'
fill_in sparse "$work/plain.plan"
is "$(sql sparse "$wrong")" 0 'a map with gaps tells the same'

# ---- with the application stopped ----

make window
fill_in window "$work/plain.plan" --window
ok $? 'a plan is filled in a window'
is "$(sql window "$wrong")" 0 'with the same codes'
is "$(sql window "SELECT string_agg(part, ',' ORDER BY part) FROM tenantdeck.checkpoint
                   WHERE unit = 'children' AND part NOT LIKE 'add %'")" 'filled,rewritten' 'by one rewrite of each table'
is "$(sql window "SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'tenantdeck%'")" 0 \
    'and without triggers'
is "$(sql window "SELECT count(*) FROM children WHERE updated_at <> '2020-01-01'")" 0 \
    'updated_at stays what it was'

# A child is told by its parent's user, whatever the parents are like: with gaps between them, too far
# apart for an array, without a user, named twice by a table of users that lets them.
while IFS='|' read -r name change; do
    make "$name"
    sql "$name" "$change"
    sql "$name" 'VACUUM FULL ANALYZE'
    fill_in "$name" "$work/plain.plan" --window
    is "$(sql "$name" "$wrong")" 0 "in a window: $name"
done <<'CHANGES'
gaps|DELETE FROM parents WHERE id % 7 = 3 OR id < 50; DELETE FROM children WHERE parent % 7 = 3 OR parent < 50
faraway|UPDATE parents SET id = -997 * id; UPDATE children SET parent = -997 * parent
nobodys|UPDATE parents SET owner = CASE id % 3 WHEN 0 THEN '4711' END WHERE id % 5 = 0
embedded|CREATE TYPE pair AS (p parents, n integer); CREATE TABLE kept (pairs pair[]); INSERT INTO kept SELECT ARRAY[(p, 1)::pair] FROM parents p WHERE id = 5
twice|ALTER TABLE users DROP CONSTRAINT users_pkey; INSERT INTO users SELECT * FROM users WHERE id::int < 20
CHANGES
is "$(sql embedded "SELECT string_agg(unit, ',') FROM tenantdeck.checkpoint WHERE part = 'rewritten' AND unit <> 'users'")" \
    children 'a table whose rows stand in columns of another is not rewritten'
make aside
sql aside "UPDATE users SET org = '4' WHERE id::int % 9 = 0"
sed -e 's/orphans = default/orphans = park/' -e '/from = own/a\    orphans = park' -e '/by parent$/a\    orphans = park' "$work/plain.plan" >"$work/aside.plan"
fill_in aside "$work/aside.plan" --window
is "$(sql aside "$(sed -e "s/coalesce(m\.\([a-z_]*\), '[a-z_]*')/m.\1/g" <<<"$wrong")")" 0 'in a window: orphans put aside'
like "$(sql aside "SELECT count(*), count(*) FILTER (WHERE c.tenant_code IS NULL),
                         count(*) FILTER (WHERE u.org = '4'),
                         (SELECT count(*) FROM tenantdeck.parked WHERE unit = 'children')
                    FROM children c JOIN parents p ON p.id = c.parent JOIN users u ON u.id = p.owner")" \
    '^40000\|([1-9][0-9]+)\|\1\|\1$' 'who has no code, and what hangs on him'

# ---- what is told of an error ----

make secret
sql secret "UPDATE parents SET note = 'a password'; ALTER TABLE parents ADD tenant_code varchar(40) CHECK (tenant_code = 'none')"
fill_in secret "$work/plain.plan"
like "$(cat "$work/said")" 'violates check constraint .*parents_tenant_code_check' 'a row that a CHECK refuses stops the fill'
is "$(cat "$work/said")$(sql secret 'SELECT to_jsonb(e)::text FROM tenantdeck.event e')" \
    "$(sed 's/a password//' "$work/said")$(sql secret "SELECT replace(to_jsonb(e)::text, 'a password', '') FROM tenantdeck.event e")" \
    'and what it holds stands in no log'

# ---- columns that were there before ----

make half
sql half "ALTER TABLE parents ADD tenant_code varchar(40) NOT NULL DEFAULT 'tenant_a',
                              ADD organization_code varchar(40) DEFAULT 'org_a';
          ALTER TABLE parents ALTER tenant_code DROP DEFAULT"
sql half "UPDATE parents SET organization_code = NULL WHERE id % 7 = 0"
old=$(sql half 'SELECT md5(string_agg(p::text, chr(10) ORDER BY id)) FROM parents p')
fill_in half "$work/plain.plan"
is "$(sql half "$wrong")" 0 'values of before that differ from the mapping are changed'
is "$(sql half "SELECT count(*) > 8000, min(value ->> 'tenant_code') FROM tenantdeck.old_value")" \
    't|tenant_a' 'and what they were is kept'
sql half "UPDATE users SET org = (org::int % 3 + 1)::text WHERE id IN ('8', '9', '10')"
fill_in half "$work/plain.plan"
is "$(sql half "$wrong")|$(sql half "SELECT count(DISTINCT value ->> 'tenant_code') FROM tenantdeck.old_value")" '0|1' \
    'what they were first, also where they are changed once more'
is "$(sql half "SELECT count(*) FROM tenantdeck.undo WHERE object LIKE '%parents.tenant_code'")" 0 \
    'nothing would drop columns that were there before'
sql half "SELECT statement FROM tenantdeck.undo WHERE object_type = 'table rows'" >"$work/undo.sql"
{ echo 'SET session_replication_role = replica;'; cat "$work/undo.sql"; } |
    psql -X -q -v ON_ERROR_STOP=1 -d half >"$work/said"
is "$(sql half 'SELECT md5(string_agg(p::text, chr(10) ORDER BY id)) FROM parents p')" "$old" \
    'the undo record puts them back'

# ---- what somebody writes meanwhile ----

make beside
sql beside "CREATE TABLE once (n int);
    CREATE FUNCTION empties() RETURNS trigger LANGUAGE plpgsql AS \$\$
    BEGIN
        IF NOT EXISTS (SELECT FROM public.once) THEN
            INSERT INTO public.once VALUES (1);
            UPDATE public.users SET tenant_code = NULL WHERE id = '1';
        END IF;
        RETURN NULL;
    END \$\$"
beside="postgresql://postgres@/beside?host=$PGHOST&port=$PGPORT"
"$TENANTDECK" -d "$beside" -p "$work/plain.plan" --operator --yes migrate --no-backup --to columns >"$work/said" 2>&1
ok $? 'the columns are there'
sql beside "CREATE TRIGGER empties AFTER UPDATE ON users FOR EACH STATEMENT EXECUTE FUNCTION empties();
            ALTER TABLE users ENABLE ALWAYS TRIGGER empties"
mkfifo "$work/gate"
psql -X -q -d beside -c BEGIN -c 'INSERT INTO children VALUES (60001, 17)' \
    -c "\\! touch '$work/inserted'; cat '$work/gate'" -c COMMIT >"$work/writer" 2>&1 &
td_until 20 test -e "$work/inserted"
"$TENANTDECK" -d "$beside" -p "$work/plain.plan" --operator --yes run fill --detach >"$work/said" 2>&1
waits_for_writers() {
    [ "$(sql beside "SELECT count(*) FROM tenantdeck.step WHERE name = 'fill'
                        AND throttled ~ '^for transactions that were writing to end \(pid [0-9]+\)\$'")" = 1 ]
}
td_until 60 waits_for_writers
ok $? 'the children wait for who has inserted one, and not committed' || td_note "$(cat "$work/said")"
fill_is_done() {
    [ "$(sql beside "SELECT state FROM tenantdeck.step WHERE name = 'fill' ORDER BY run DESC LIMIT 1")" = 'done' ]
}
echo >"$work/gate"
td_until 60 fill_is_done
is "$(sql beside "$wrong")" 0 'its row has its codes, as has one that was emptied behind the fill'
is "$(sql beside 'SELECT (SELECT count(*) FROM once), (SELECT count(*) FROM children WHERE id = 60001)')" '1|1' \
    'both of which there were'

# ---- rows that belong to nobody ----

sed -e 's/orphans = default/orphans = park/' -e 's/parents.id by parent/&\n    orphans = park/' \
    "$work/plain.plan" >"$work/park.plan"
for mode in online window; do
    make "park_$mode"
    sql "park_$mode" "UPDATE parents SET owner = '0' WHERE id = 5; UPDATE parents SET owner = NULL
                       WHERE id = 6; UPDATE children SET parent = -3 WHERE id = 9"
    fill_in "park_$mode" "$work/park.plan" "--$mode"
    is "$(sql "park_$mode" "SELECT unit, count(*) FROM tenantdeck.parked GROUP BY 1 ORDER BY 1")" \
        "children|$(sql "park_$mode" 'SELECT count(*) FROM children WHERE parent IN (-3, 5, 6)')
parents|2" "rows of nobody are parked, and so are their children ($mode)"
    is "$(sql "park_$mode" "SELECT key, reason FROM tenantdeck.parked
                             WHERE unit = 'parents' ORDER BY key")" \
        "{\"id\": \"5\"}|no code is known for '0'
{\"id\": \"6\"}|nothing tells its code" "with key and reason ($mode)"
    is "$(sql "park_$mode" "SELECT count(*) FROM parents WHERE tenant_code IS NULL")" 2 \
        "and stay empty ($mode)"
done

# ---- names and types that nobody expects ----

cat >"$work/odd.plan" <<'PLAN'
[plan]
    name = odd
    kind = columns
    schema = \"Odd Schema\"
[mapping]
    file = odd.csv
    key = org
    organization = organization
    tenant = tenant
    default = 1 11111111-1111-1111-1111-111111111111 tenant_a
    users = "\"we\"\"ird; 'users'\".\"id%s\" \"select\""
[column "Ten%ant"]
    type = text
    role = tenant
[column "organization_code"]
    type = uuid
    role = organization
[table "we\"ird; 'users'"]
    from = own \"select\"
[table "p😀 $tenantdeck$ %I"]
    from = user \"%s\"
    orphans = default
[table "a_name_of_sixty_three_bytes_that_nobody_would_ever_give_a_table"]
    from = parent \"p😀 $tenantdeck$ %I\".\"Key\" by \"user\"
PLAN
printf '%s\n' org,organization,tenant '1,11111111-1111-1111-1111-111111111111,tenant_a' \
    "2,22222222-2222-2222-2222-222222222222,\"t'; DROP TABLE x; --\"" >"$work/odd.csv"
for mode in online window; do
    psql -X -q -d postgres -c "CREATE DATABASE odd_$mode"
    psql -X -q -v ON_ERROR_STOP=1 -d "odd_$mode" <<'SQL'
CREATE SCHEMA "Odd Schema";
SET search_path = "Odd Schema", public;
CREATE DOMAIN organization AS integer;
CREATE TABLE "we""ird; 'users'" ("id%s" text COLLATE "C" PRIMARY KEY, "select" organization);
INSERT INTO "we""ird; 'users'" SELECT n, n % 2 + 1 FROM generate_series(1, 50) AS n;
CREATE TABLE "p😀 $tenantdeck$ %I" ("Key" text COLLATE "C" PRIMARY KEY, "%s" varchar COLLATE "POSIX");
INSERT INTO "p😀 $tenantdeck$ %I" SELECT 'k' || n, CASE n % 4 WHEN 0 THEN 'nobody'
    ELSE (n % 50 + 1)::text END FROM generate_series(1, 400) AS n;
CREATE TABLE "a_name_of_sixty_three_bytes_that_nobody_would_ever_give_a_table" ("user" varchar(9));
INSERT INTO "a_name_of_sixty_three_bytes_that_nobody_would_ever_give_a_table"
SELECT 'k' || n % 400 + 1 FROM generate_series(1, 900) AS n;
SQL
    fill_in "odd_$mode" "$work/odd.plan" "--$mode"
    ok $? "names and types of every kind are filled ($mode)"
    is "$(sql "odd_$mode" "SELECT count(*) FROM \"Odd Schema\".\"p😀 \$tenantdeck\$ %I\" p
              LEFT JOIN \"Odd Schema\".\"we\"\"ird; 'users'\" u ON u.\"id%s\" = p.\"%s\" COLLATE \"C\"
              LEFT JOIN tenantdeck.mapping m ON m.key = u.\"select\"::text
             WHERE p.\"Ten%ant\" IS DISTINCT FROM coalesce(m.tenant_code, 'tenant_a')
                OR p.organization_code::text IS DISTINCT FROM
                   coalesce(m.organization_code, '11111111-1111-1111-1111-111111111111')")|$(
        sql "odd_$mode" "SELECT count(*), count(DISTINCT organization_code), count(\"Ten%ant\")
            FROM \"Odd Schema\".\"a_name_of_sixty_three_bytes_that_nobody_would_ever_give_a_table\"")" \
        '0|900|2|900' "each with its codes ($mode)"
done
is "$(sql odd_online "INSERT INTO \"Odd Schema\".\"p😀 \$tenantdeck\$ %I\" VALUES ('new', '3');
    INSERT INTO \"Odd Schema\".\"a_name_of_sixty_three_bytes_that_nobody_would_ever_give_a_table\"
    VALUES ('new') RETURNING \"Ten%ant\"")" "t'; DROP TABLE x; --" 'and their triggers work'

# ---- who may not silence triggers ----

make meek
psql -X -q -d meek -c "CREATE ROLE meek LOGIN; GRANT CREATE ON DATABASE meek TO meek;
    ALTER TABLE users OWNER TO meek; ALTER TABLE parents OWNER TO meek; ALTER TABLE children OWNER TO meek;
    GRANT ALL ON SCHEMA public TO meek"
meek() {
    "$TENANTDECK" -d "postgresql://meek@/meek?host=$PGHOST&port=$PGPORT" -p "$work/plain.plan" \
        --operator --yes run "$@" 2>&1
}
like "$(meek preflight)" 'so 2 triggers would fire while rows are filled; --triggers lets them' \
    'without the right to silence triggers preflight says no'
for step in preflight mapping integrity columns; do
    meek $step --triggers >"$work/said"
done
said=$(meek fill)
like "$said" 'would fire triggers of the application: children: touch, parents: touch' \
    'and so does the fill'
is "$(sql meek 'SELECT count(tenant_code) FROM parents')" 0 'and nothing is filled'
meek fill --triggers >"$work/said"
is "$?|$(sql meek "$wrong")" '0|0' 'unless somebody says that they may fire'

done_testing
