#!/bin/bash
# hostile: who owns a table, a type, a role's defaults, a Redis user or our standard streams does
# not own us.
set -u
. "$(dirname "$0")/../lib.sh"

work=$(mktemp -d /tmp/hostile-XXXXXX)
trap 'rm -rf "$work"' EXIT
export HOME=$work XDG_CONFIG_HOME=$work/config
td_start_postgres
td_start_redis
td_load_demo 0.01

status() {
    "$TENANTDECK" -d mentoring -r "$TD_REDIS" -p mentoring status "$@"
}

# ---- a cast of a table's owner would run with the rights of whoever counts ----

is "$(status tables --json | jq -c '.tables[] | select(.table == "forms") | .rows_exact')" \
    null 'a small table is counted without being asked'
td_psql "CREATE ROLE mallory; GRANT CREATE ON SCHEMA public TO mallory;
         SET ROLE mallory;
         CREATE TYPE public.trap AS ENUM ('1');
         CREATE FUNCTION public.spring(public.trap) RETURNS text LANGUAGE plpgsql AS
             \$\$BEGIN RAISE EXCEPTION 'sprung'; END\$\$;
         CREATE CAST (public.trap AS text) WITH FUNCTION public.spring(public.trap);
         RESET ROLE;
         ALTER TABLE forms DROP CONSTRAINT unique_type_sub_type_org_id, DROP CONSTRAINT forms_pkey,
             ALTER organization_id TYPE public.trap USING '1'::public.trap;
         ANALYZE forms" >/dev/null
is "$(td_psql "SELECT count(*) FROM pg_cast WHERE castsource = 'public.trap'::regtype")" 1 \
    'the trap is set'
unlike "$(status log --json; status)" 'sprung' 'a cast to text that somebody owns is never called'
is "$(status tables --json | jq -c '.tables[] | select(.table == "forms") | .rows_exact')" false \
    'the table is shown by estimate instead'

exits 1 '--exact fails when a table could only be estimated' status tables --exact

# ---- a Redis user who may not SCAN ----

td_redis ACL SETUSER default -scan >/dev/null
said=$(timeout 20 "$TENANTDECK" -d mentoring -r "$TD_REDIS" -p mentoring cache counts 2>&1)
is $? 4 'a census that may not SCAN ends, and fails'
like "$said" 'NOPERM' 'it says why'
td_redis ACL SETUSER default +scan >/dev/null
runs 'with the right it counts' "$TENANTDECK" -d mentoring -r "$TD_REDIS" -p mentoring cache counts

# ---- what a role and a table can be, and the figures stay right ----

sessions() {
    PGUSER=${1:-$PGUSER} status tables --json | jq -c '.tables[] | select(.table == "sessions")'
}

# Read only, serializable and deferrable waits until no other serializable transaction is open.
td_psql "CREATE ROLE waiting SUPERUSER LOGIN;
         ALTER ROLE waiting SET default_transaction_isolation = 'serializable';
         ALTER ROLE waiting SET default_transaction_deferrable = on" >/dev/null
coproc other { psql -X -q -A -t -d mentoring; }
echo "BEGIN ISOLATION LEVEL SERIALIZABLE; CREATE TABLE writes (); SELECT 'open';" >&"${other[1]}"
read -r open <&"${other[0]}"
is "$open" open 'a serializable transaction is open'
is "$(sessions waiting | jq -c '[.rows > 0, .rows_exact]')" '[true,null]' \
    'a role whose reads would wait for it counts all the same'
echo 'ROLLBACK;' >&"${other[1]}"
eval "exec ${other[1]}>&-"
wait "$other_PID" 2>/dev/null

td_psql "CREATE TABLE heirs () INHERITS (sessions);
         INSERT INTO heirs SELECT * FROM sessions LIMIT 3; ANALYZE sessions" >/dev/null
is "$(sessions | jq -c '[.state, .rows_exact]')" '["no column",false]' \
    'a table with heirs is weighed, and not counted unasked'
is "$(sessions | jq .rows)" "$(td_psql 'SELECT count(*) FROM sessions')" 'with the rows of its heirs'
td_psql 'DROP TABLE heirs' >/dev/null

# ---- standard streams that came closed ----

said=$("$TENANTDECK" -d mentoring -p mentoring status -v 2>&-)
is $? 0 'without a stderr the servers still answer'
unlike "$said" 'invalid frontend|PostgreSQL down' 'what is said there does not go to a server'
"$TENANTDECK" --version >/dev/full 2>"$work/errors"
is $? 1 'a version that could not be written is a failure'
like "$(cat "$work/errors")" 'could not be written' 'which is said'

# ---- what was typed is not repeated with its password ----

said=$("$TENANTDECK" 'postgres://u:canary@h' 2>&1)
unlike "$said" 'canary' 'a URL where a verb belongs'
said=$("$TENANTDECK" -d 'postgres://u:can%ary@h/x' status 2>&1)
unlike "$said" 'ary' 'a URL that cannot be read'

done_testing
