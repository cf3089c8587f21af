#!/bin/bash
# cli: the command line against real servers: exit statuses, JSON, the ways to name a server,
# passwords that must be seen nowhere, and help and completion that know every verb.
set -u
. "$(dirname "$0")/../lib.sh"

canary=canary-$$-secret
work=$(mktemp -d /tmp/td-cli-XXXXXX)
trap 'rm -rf "$work"' EXIT
mkdir "$work/home" "$work/config"
export HOME=$work/home XDG_CONFIG_HOME=$work/config
unset DATABASE_URL DEV_DATABASE_URL PROD_DATABASE_URL REDIS_HOST NODE_ENV APPLICATION_ENV NO_COLOR

# No terminal, whoever runs the test: nothing may stop and ask.
td() {
    setsid -w "$TENANTDECK" "$@" </dev/null
}

# answers FILTER NAME OPTION...: stdout is one JSON text of which jq's filter is true.
answers() {
    local filter=$1 name=$2
    shift 2
    td_said=$(td "$@" 2>&1)
    jq -e "$filter" <<<"$td_said" >/dev/null 2>&1
    ok $? "$name" || td_note "$td_said"
}

td_start_postgres
td_start_redis
td_load_demo 0.05
plan=$work/mentoring.plan
cp "$TENANTDECK_DATADIR/plans/mentoring.plan" "$plan"
td_psql "SELECT 'organization_id,organization_code,tenant_code'
         UNION ALL SELECT organization_id || ',org_' || organization_id || ',tenant_' ||
                (hashtext(organization_id) & 3) FROM organization_extension" >"$work/data_codes.csv"
servers=(-d "$TD_DATABASE" -r "$TD_REDIS")

# ---- a plan that nobody has named ----

mkdir "$work/found"
cp "$plan" "$work/data_codes.csv" "$work/found"
found() {
    (cd "$work/found" && td "$@")
}
exits 0 'the only plan of the working directory is taken' found plan show
chmod o+w "$work/found/mentoring.plan"
exits 4 'but not when anybody may change it' found plan show
like "$td_said" "may change it, so it is not taken for having been found" 'which is said'
exits 4 'by its name neither' found -p mentoring plan show
exits 0 'by its path it is' found -p ./mentoring.plan plan show
exits 0 'or by its file' found -p mentoring.plan plan show
chmod o-w "$work/found/mentoring.plan"
if [ "$(id -u)" -eq 0 ]; then
    chown nobody "$work/found/mentoring.plan"
    exits 4 'nor when it is a stranger'"'"'s' found status
else
    skip 'nor when it is a stranger'"'"'s' 'only root can make such a file'
fi

# ---- what a plan calls for by a bare name ----

cp "$plan" "$work/found/site.plan"
rm -f "$work/found/mentoring.plan"
cp "$TENANTDECK_DATADIR"/plans/mentoring_*.sql "$work/found"
site() {
    found "${servers[@]}" -p ./site.plan --operator --yes "$@"
}
# untrusted WHOSE: of the mapping and of SQL; nothing is begun with such a mapping.
untrusted() {
    exits 4 "no run begins with a mapping that $1" site migrate
    like "$td_said" "the mapping './data_codes.csv'.* $1, so it is not taken .*; nothing was taken from it" \
        'which is said'
    exits 1 'to the check of the plan it is a failure' site plan check
    like "$(tr -s ' \n' ' ' <<<"$td_said")" "$1, so it is not taken for having been found" 'which says why'
    exits 4 'SQL is not taken either' site plan sql functions
    like "$td_said" "the SQL './mentoring_functions.sql'.* $1, so it is not taken" 'which is said too'
}
taken=(data_codes.csv mentoring_functions.sql)
(cd "$work/found" && chmod o+w "${taken[@]}")
untrusted 'anybody may change it'
is "$(td_psql 'SELECT count(*) FROM tenantdeck.run')" 0 'and no run is in the journal'
sed -i 's,= \(data_codes.csv\|mentoring_functions.sql\),= ./\1,' "$work/found/site.plan"
exits 0 'named by its path the SQL is meant' site plan sql functions
exits 0 'and so is the mapping' site plan check
sed -i 's,= \./,= ,' "$work/found/site.plan"
(cd "$work/found" && chmod o-w "${taken[@]}")
if [ "$(id -u)" -eq 0 ]; then
    (cd "$work/found" && chown nobody "${taken[@]}")
    untrusted "belongs to 'nobody'"
    chown nobody "$work/found/site.plan"
    exits 0 'the owner of the plan may own what it calls for' site plan sql functions
else
    skip "no run begins with a stranger's mapping" 'only root can make such a file'
fi
td_psql 'SET client_min_messages = warning; DROP SCHEMA tenantdeck CASCADE'

# ---- exit statuses and sentences ----

said=$(td "${servers[@]}" -p "$plan" status tables)
like "$said" ' parent entity_types.id by entity_type_id no column$' 'in a pipe nothing of a table is cut'
unlike "$said" '…' 'nor marked as cut'
said=$(COLUMNS=70 td "${servers[@]}" -p "$plan" status tables)
unlike "$said" 'entity_type_id' 'COLUMNS is obeyed'
[ "$(sed 1,2d <<<"$said" | wc -L)" -le 70 ]
ok $? 'by each line'
exits 0 'status succeeds' td "${servers[@]}" -p "$plan" status
like "$td_said" 'session_attendees' 'status shows the tables'
exits 0 'options may follow the verb' td status tables "${servers[@]}" -p "$plan"
exits 0 'plan check of a good plan succeeds' td "${servers[@]}" plan check -p "$plan"
sed 's/^\[table "forms"\]/[table "formz"]/' "$plan" >"$work/broken.plan"
exits 1 'plan check of a plan that does not fit fails' \
    td "${servers[@]}" -p "$work/broken.plan" plan check
like "$td_said" 'formz' 'and says why'
exits 2 'an unknown verb is a usage error' td stats
like "$td_said" "did you mean 'status'" 'and the nearest verb is suggested'
exits 2 'an unknown option is a usage error' td --frobnicate status
exits 2 'an option of another verb is a usage error' td sql --exact
like "$td_said" "'sql' has no option '--exact'" 'and says whose it is not'
exits 2 'a value too many is a usage error' td env surplus
exits 2 'without a terminal there is no console' td "${servers[@]}"
like "$td_said" 'no terminal' 'and it says so'
exits 2 'a verb that needs a plan says so' td "${servers[@]}" plan check
like "$td_said" '-p NAME' 'and how to name one'
exits 2 'a plan that is not there is a usage error' td "${servers[@]}" -p ./nosuch.plan plan check
like "$td_said" 'nosuch.plan' 'and is named'
printf '[plan]\n  name = sessions\n  kind = cache\n  title = t\n[keys "s"]\n  pattern = s:{id}\n' \
    >"$work/cache.plan"
exits 4 'a verb refuses a plan of the wrong kind' \
    td "${servers[@]}" -p "$work/cache.plan" tenant list
like "$td_said" "kind 'cache'" 'with the reason'
exits 4 'what changes something wants a yes' td "${servers[@]}" journal create
like "$td_said" '--yes' 'and says how to give it'
is "$(td_psql "SELECT count(*) FROM pg_namespace WHERE nspname = 'tenantdeck'")" 0 \
    'and has changed nothing'
exits 0 'with --yes it is done' td "${servers[@]}" --yes journal create
exits 0 'and may be done again' td "${servers[@]}" --yes journal create
is "$(td_psql "SELECT count(*) FROM pg_namespace WHERE nspname = 'tenantdeck'")" 1 \
    'the journal is there'
exits 4 'demo load refuses servers that hold something' td "${servers[@]}" --yes demo load

# ---- connections that cannot be had ----

exits 3 'a database that is not there' td -d "$TD_DATABASE&dbname=nosuch" journal status
like "$td_said" 'nosuch' 'is named'
exits 3 'a host that is not there' td -d 'host=nosuch.invalid dbname=x' journal status
like "$td_said" 'nosuch.invalid' 'is named'
exits 3 'a socket that is not there' td -d "host=$work dbname=x" journal status
like "$td_said" 'hint:' 'comes with a hint'
exits 3 'a Redis that is not there' td -r redis://127.0.0.1:1 -p "$plan" cache counts
exits 1 'status finds that Redis is down' \
    td -d "$TD_DATABASE" -r "unix://$work/nosuch.sock" -p "$plan" status
exits 2 'a Redis address that cannot be read' td -r 'http://x' -p "$plan" cache counts

# ---- JSON ----

for verb in status 'status tables' 'tenant list' 'cache counts' 'log' 'journal status' 'plan list' \
    'plan show' 'plan check' migrations 'env' 'sql' 'sql session_pin'; do
    # shellcheck disable=SC2086 # the words of a verb are words
    answers '.ok == true and has("plan")' "'$verb' answers JSON" \
        "${servers[@]}" -p "$plan" --json $verb
done
answers '.tables | length == 26 and all(has("rows"))' 'status has the 26 tables' \
    "${servers[@]}" -p "$plan" --json status tables --exact
answers '[.tables[].rows] | . == sort' 'status sorts' \
    "${servers[@]}" -p "$plan" --json status tables --exact --sort rows
answers '.tables | length == 1' 'status filters' \
    "${servers[@]}" -p "$plan" --json status tables --filter session_request
answers '.checks | length > 0' 'plan check has its checks' \
    "${servers[@]}" -p "$plan" --json plan check
answers '.journal.exists and .journal.version >= 1' 'journal status tells its version' \
    "${servers[@]}" --json journal status
answers '.statement.text | contains("set_config")' 'sql NAME has the text' --json sql session_pin
answers '.ok == false and .error.kind == "usage" and (.error.hint | length > 0)' \
    'a usage error is JSON, too' --json stats
answers '.ok == false and .error.kind == "lost"' 'so is a lost connection' \
    --json -d "host=$work dbname=x" journal status
answers '.ok == false and .error.kind == "refused"' 'so is a refusal' \
    --json "${servers[@]}" -p "$work/cache.plan" tenant list

# ---- ways to name the database ----

exits 0 'PG* variables lead to it' td journal status
exits 0 'a bare name is a database' td -d mentoring journal status
printf '[here]\nhost=%s\nport=%s\nuser=postgres\ndbname=mentoring\n' "$PGHOST" "$PGPORT" \
    >"$work/services"
exits 0 'a service file leads to it' \
    env -u PGHOST -u PGPORT -u PGUSER -u PGDATABASE PGSERVICEFILE="$work/services" \
    setsid -w "$TENANTDECK" -d service=here journal status
echo 'DEV_DATABASE_URL="postgresql://nosuch.invalid/x"  # elsewhere' >"$work/wrong.env"
echo "export DEV_DATABASE_URL=$TD_DATABASE  # here" >"$work/right.env"
without_pg=(env -u PGHOST -u PGPORT -u PGUSER -u PGDATABASE setsid -w "$TENANTDECK")
exits 0 '--env-file leads to it' "${without_pg[@]}" --env-file "$work/right.env" journal status
exits 0 'the command line goes before --env-file' \
    "${without_pg[@]}" --env-file "$work/wrong.env" -d "$TD_DATABASE" journal status
exits 0 '--env-file goes before the environment' \
    env DEV_DATABASE_URL=postgresql://nosuch.invalid/x "${without_pg[@]}" \
    --env-file "$work/right.env" journal status
exits 4 'two names that disagree are refused' \
    env DATABASE_URL=postgresql://a/x DEV_DATABASE_URL=postgresql://b/x "${without_pg[@]}" \
    journal status
like "$td_said" "'DEV_DATABASE_URL' and 'DATABASE_URL'" 'and both are named'
exits 1 'env shows them, and finds the conflict' \
    env DATABASE_URL=postgresql://a/x DEV_DATABASE_URL=postgresql://b/x "${without_pg[@]}" env
like "$td_said" '^! DEV_DATABASE_URL' 'and marks it'

# ---- the deck ----

deck=$work/deck.conf
printf '[deck]\nenvironment = PROD\nplan = %s\n[database "main"]\nconninfo = %s\n' \
    "$plan" "$TD_DATABASE" >"$deck"
printf '[redis "main"]\nurl = %s\n' "$TD_REDIS" >>"$deck"
chmod 600 "$deck"
exits 0 'a deck names all' "${without_pg[@]}" --deck "$deck" status tables
like "$td_said" '^PROD' 'and its environment stands first'
exits 0 'so does TENANTDECK_DECK' env TENANTDECK_DECK="$deck" "${without_pg[@]}" plan check
chmod 622 "$deck"
exits 4 'a deck that others may change is refused' "${without_pg[@]}" --deck "$deck" status
printf '[deck]\ncolor = red\n' >"$work/bad.conf"
exits 1 'an unknown key is refused' td --deck "$work/bad.conf" status
like "$td_said" 'bad.conf:2: .color' 'with file and line'

# ---- passwords ----

td_psql "CREATE ROLE carol LOGIN PASSWORD '$canary'" >/dev/null
hba=$(td_psql 'SHOW hba_file')
sed -i '1i local all carol scram-sha-256' "$hba"
td_psql 'SELECT pg_reload_conf()' >/dev/null
carol="postgresql://carol@/mentoring?host=$PGHOST&port=$PGPORT"
exits 3 'without a password and a terminal it is not asked for' td -d "$carol" journal status
like "$td_said" 'password' 'and the sentence says what is missing'
exits 3 'a wrong password' env PGPASSWORD=wrong setsid -w "$TENANTDECK" -d "$carol" journal status
like "$td_said" 'carol' 'names the role'
exits 0 'PGPASSWORD' env PGPASSWORD="$canary" setsid -w "$TENANTDECK" -d "$carol" journal status
printf '*:*:*:carol:%s\n' "$canary" >"$work/pgpass"
chmod 600 "$work/pgpass"
exits 0 'a passfile' env PGPASSFILE="$work/pgpass" setsid -w "$TENANTDECK" -d "$carol" journal status
with_password="host=$PGHOST port=$PGPORT dbname=mentoring user=carol password=$canary"
exits 0 'a password on the command line works' td -d "$with_password" journal status
like "$td_said" 'visible to everybody' 'with a warning'

seen=
for verb in 'journal status' 'log' 'status' 'env'; do
    # shellcheck disable=SC2086
    seen+=$(td -v -d "$with_password" $verb 2>&1; td --json -d "$with_password" $verb 2>&1)
done
seen+=$(env DEV_DATABASE_URL="postgresql://carol:$canary@$work/x" DB_PASSWORD="$canary" \
    REDIS_PASSWORD="$canary" KV_REST_API_TOKEN="$canary" setsid -w "$TENANTDECK" env 2>&1)
seen+=$(td -v -d "${with_password/dbname=mentoring/dbname=nosuch}" journal status 2>&1)
seen+=$(td -r "redis://:$canary@127.0.0.1:1" -p "$plan" cache counts 2>&1)
unlike "$seen" "$canary" 'no output ever shows a password'
like "$seen" 'set_config' '--verbose shows the statements'

mkfifo "$work/out"
echo 'LOG:  checkpoint starting' >"$work/server.log"
"$TENANTDECK" -d "$with_password" log -f "$work/server.log" </dev/null >"$work/out" 2>/dev/null &
follower=$!
read -r event <"$work/out"
like "$event" 'checkpoint starting' 'log -f prints what happens'
shown=$(tr '\0' ' ' <"/proc/$follower/cmdline")
like "$shown" 'user=carol password=[*]' 'ps shows the mask'
unlike "$shown" "$canary" 'and not the password'
kill "$follower"
wait "$follower" 2>/dev/null

# ---- help, completion, manual ----

help=$(td help)
completion=$(td completion bash)
manual=$(td help --man)
is "$(awk 'length > 80' <<<"$help")" '' 'the help fits 80 columns'
for verb in status 'tenant list' 'cache counts' log 'journal status' 'plan list' 'plan show' \
    'plan check' env migrations preflight migrate run validate rollback report attach pause resume stop \
    abort hold throttle 'backup create' 'backup list' 'backup verify' 'backup restore' 'journal create' \
    'demo load' demo sql 'completion bash' help; do
    like "$help" "^  $verb( |\$)" "help lists '$verb'"
    like "$manual" "B$verb" "the manual has '$verb'"
    # shellcheck disable=SC2086
    exits 0 "'$verb --help' is known" td $verb --help
    like "$td_said" "^usage: tenantdeck $verb" "and is about '$verb'"
done
COMP_WORDS=(tenantdeck pl) COMP_CWORD=1
eval "$completion"
_tenantdeck
is "${COMPREPLY[*]}" plan 'completion finds a verb'
COMP_WORDS=(tenantdeck -d x plan ch) COMP_CWORD=4
_tenantdeck
is "${COMPREPLY[*]}" check 'and its second word, behind an option'
like "$(td --version)" '^tenantdeck [0-9]' '--version'

done_testing
