#!/bin/bash
# Backups on a server of our own: a dump is made in one snapshot, damage of any kind is found, and a
# restore puts it in the database's place with identical data, or leaves everything as it was.
. "$(dirname "$0")/../lib.sh"
. "$TD_SRCDIR/tests/server.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
XDG_STATE_HOME=$work/state
export XDG_STATE_HOME
backups=$XDG_STATE_HOME/tenantdeck/backups
restores=$XDG_STATE_HOME/tenantdeck/restores
td_start_postgres
td_load_demo 0.05

# What the program says, and its exit code in the last line: `td DATABASE WORD...`.
td() {
    where=$1
    shift
    "$TENANTDECK" -d "$where" "$@" </dev/null 2>&1
    echo "exit $?"
}

ask() {
    psql -X -q -At -v ON_ERROR_STOP=1 -d "$1" -c "$2" 2>&1
}

# All of a database but the journal, as text that two databases can be compared by.
contents() {
    pg_dump -N tenantdeck "$1" | grep -v '^.\(un\)\?restrict '
}

newest() {
    basename "$(ls "$backups"/*"${1:-}"*.json | tail -n 1)" .json
}

answer() {
    python3 -c 'import json, sys; print(json.load(sys.stdin)'"$1"')'
}

# ---- creating ----

like "$(td "$TD_DATABASE" backup create)" 'exit 4' 'nothing is dumped unless somebody says yes'
said=$(td "$TD_DATABASE" -p mentoring --yes migrate --backup-dir="$(printf '%s/\377' "$work")" --to preflight)
like "$said" 'no UTF-8' 'a directory that the journal could not keep is refused'
like "$said" 'exit 2' 'and no other is taken in its place'
umask 000
said=$(td "$TD_DATABASE" -p mentoring --yes backup create)
umask 022
like "$said" 'pg_restore finds all 26 tables' 'a backup is made, and looked into'
like "$said" 'exit 0' 'and that is a success'
first=$(newest)
like "$first" '^mentoring_[0-9]{8}_[0-9]{6}$' 'it has the name of the database, and the time'
is "$(find "$XDG_STATE_HOME" -perm /077 | grep -v "^$XDG_STATE_HOME\$")" '' \
    'its owner alone can read it, whatever the umask is'
is "$(ls "$backups" | tr '\n' ' ')" "$first.dump $first.json " 'nothing else is left there'
facts=$backups/$first.json
is "$(answer '["sha256"]' <"$facts")" "$(sha256sum "$backups/$first.dump" | cut -d ' ' -f 1)" \
    'its SHA-256 is that of the file'
is "$(answer '["server"]' <"$facts")" "$(ask mentoring 'SELECT system_identifier FROM pg_control_system()')" \
    'it knows its server'
like "$(answer '["pg_dump"]' <"$facts")" '^pg_dump \(PostgreSQL\) 1[4-9]' 'and the pg_dump that made it'
is "$(python3 - "$facts" <<'PY'
import json, subprocess, sys
tables = json.load(open(sys.argv[1]))["tables"]
wrong = [t["name"] for t in tables
         if t["rows"] != int(subprocess.check_output(
             ["psql", "-XAtc", 'SELECT count(*) FROM "%s"."%s"' % (t["schema"], t["name"])]))]
print(len(tables), wrong)
PY
)" '26 []' 'every count is right'
like "$(env -u PGDATABASE "$TENANTDECK" backup verify </dev/null)" '^origin +unknown' \
    'without a database that is named, nothing is said about it'
like "$(td "$TD_DATABASE" backup list)" "$first +20.* whole" 'it is listed'

# pg_dump sees what was counted, though others write meanwhile: a writer runs all the time.
ask mentoring "CREATE TABLE public.busy (id bigserial, at timestamptz DEFAULT clock_timestamp())" >/dev/null
while psql -X -q -d mentoring -c 'INSERT INTO public.busy SELECT FROM generate_series(1, 50)' 2>/dev/null &&
    [ ! -e "$work/enough" ]; do :; done &
writer=$!
td "$TD_DATABASE" --yes backup create >"$work/said"
touch "$work/enough"
wait "$writer"
busy=$(newest)
dumped=$(pg_restore --data-only --table=busy -f - "$backups/$busy.dump" | grep -c '^[0-9]')
counted=$(python3 -c '
import json, sys
print([t["rows"] for t in json.load(open(sys.argv[1]))["tables"] if t["name"] == "busy"][0])' \
    "$backups/$busy.json")
is "$dumped" "$counted" 'the rows that were counted are those that were dumped'
[ "$(ask mentoring 'SELECT count(*) FROM public.busy')" -gt "$counted" ]
ok $? 'while others wrote on'
ask mentoring 'DROP TABLE public.busy' >/dev/null
rm "$backups/$busy".*

# Their names have seconds, and several may begin within one.
createdb quick
ask quick 'CREATE TABLE public.one AS SELECT 1' >/dev/null
for i in 1 2 3 4; do
    td dbname=quick --yes backup create
done >"$work/said"
is "$(grep -c '^exit 0$' "$work/said") $(ls "$backups" | grep -c '^quick_.*json$')" '4 4' \
    'of backups that begin within one second each has its own name'
rm "$backups"/quick_*

createdb empty
like "$(td dbname=empty --yes backup create)" 'has no table' 'a database without tables is not backed up'
is "$(ls "$backups" | grep -c empty)" 0 'and nothing is left of it'

rmdir "$restores" 2>/dev/null
like "$(XDG_STATE_HOME=$work/none td "$TD_DATABASE" backup list)" 'there is no backup yet' 'a list of nothing'
[ ! -e "$work/none" ]
ok $? 'makes no directory'
mkdir -m 777 "$work/open"
like "$(td "$TD_DATABASE" --yes backup create --directory="$work/open")" 'others may write' \
    'a directory that others may write to is refused'

# ---- secrets ----

ask mentoring "CREATE ROLE secretive LOGIN SUPERUSER PASSWORD 'hunter''s 2'" >/dev/null
mkdir "$work/bin"
cat >"$work/bin/pg_dump" <<'SH'
#!/bin/bash
[ "$1" = --version ] && exec "$REAL_PG_DUMP" --version
tr '\0' '\n' </proc/$$/cmdline >"$NOTES/argv"
ps -eo args >"$NOTES/ps"
echo "$PGPASSWORD" >"$NOTES/password"
exec "$REAL_PG_DUMP" "$@"
SH
chmod +x "$work/bin/pg_dump"
NOTES=$work REAL_PG_DUMP=$(td_pg_program pg_dump)
export NOTES REAL_PG_DUMP
PATH=$work/bin:$PATH PGPASSWORD="hunter's 2" td 'dbname=mentoring user=secretive' --yes backup create \
    >"$work/said"
is "$(tail -n 1 "$work/said")" 'exit 0' 'a backup with a password'
is "$(cat "$work/password")" "hunter's 2" 'pg_dump gets it in its environment'
is "$(cat "$work/argv" "$work/ps" "$backups"/*.json "$work/said" | grep -c 'hunter')" 0 \
    'and nobody sees it: not in ps, not in the files'
rm "$backups/$(newest)".*

# ---- damage is found ----

# verify DIRECTORY-WITH-ONE-BACKUP: its exit status.
verify() {
    "$TENANTDECK" -d "$TD_DATABASE" backup verify --directory="$1" "$first" >"$work/said" 2>&1 </dev/null
    echo $?
}
damaged=$work/damaged
mkdir -m 700 "$damaged"
again() {
    cp "$backups/$first".* "$damaged"
}
again
is "$(verify "$damaged")" 0 'a copy elsewhere is whole'
size=$(stat -c %s "$backups/$first.dump")
missed=
for i in $(seq 0 15); do
    again
    truncate -s $((size * i / 16)) "$damaged/$first.dump"
    [ "$(verify "$damaged")" = 1 ] || missed="$missed cut:$i"
    again
    python3 - "$damaged/$first.dump" $((size * i / 16)) <<'PY'
import sys
with open(sys.argv[1], "r+b") as f:
    f.seek(int(sys.argv[2]))
    byte = f.read(1)[0]
    f.seek(-1, 1)
    f.write(bytes([byte ^ 0x10]))
PY
    [ "$(verify "$damaged")" = 1 ] || missed="$missed flip:$i"
done
is "$missed" '' 'a cut at any place is found, and one bit anywhere'
again
sed -i 's/"rows": 53/"rows": 54/' "$damaged/$first.json"
is "$(verify "$damaged")" 1 'so is a changed figure'
like "$(cat "$work/said")" 'checksum' 'by the checksum'
like "$(td "$TD_DATABASE" backup list --directory="$damaged")" 'damaged: .*checksum' 'and the list says so'
again
rm "$damaged/$first.dump"
is "$(verify "$damaged")" 1 'a dump that is gone is missed'
like "$(td dbname=empty backup verify "$first")" 'not of .empty' 'a backup is not of another database'
like "$(td dbname=empty backup verify "$first")" 'exit 1' 'which is a failure'
like "$(td dbname=empty --confirm=empty backup restore "$first")" 'not of .empty' 'and not restored into it'
again
truncate -s -1 "$damaged/$first.dump"
like "$(td "$TD_DATABASE" --confirm=mentoring backup restore "$damaged/$first.dump")" \
    'is damaged.*bytes' 'a damaged one is not restored'

# A dump that lacks a table, with a JSON that fits its bytes: pg_restore's list tells.
again
pg_dump --format=custom -T sessions -f "$damaged/$first.dump" mentoring
python3 - "$damaged/$first" <<'PY'
import hashlib, json, os, sys
facts = json.load(open(sys.argv[1] + ".json"))
facts["size"] = os.path.getsize(sys.argv[1] + ".dump")
facts["sha256"] = hashlib.sha256(open(sys.argv[1] + ".dump", "rb").read()).hexdigest()
del facts["checksum"]
text = json.dumps(facts, separators=(",", ":"), sort_keys=True)
facts["checksum"] = hashlib.sha256(text.encode()).hexdigest()
json.dump(facts, open(sys.argv[1] + ".json", "w"))
PY
is "$(verify "$damaged")" 1 'a dump without one of the tables is found'
like "$(cat "$work/said")" "does not have 'sessions'" 'and the table is named'

# ---- pg_dump fails, or we are killed ----

cat >"$work/bin/pg_dump" <<'SH'
#!/bin/bash
[ "$1" = --version ] && exec "$REAL_PG_DUMP" --version
for word; do case $word in --file=*) echo PGDMP >"${word#--file=}" ;; esac; done
touch "$NOTES/dumping"
[ ! -e "$NOTES/hangs" ] || exec tail -f /dev/null
kill -9 $$
SH
before=$(ls "$backups")
said=$(PATH=$work/bin:$PATH td "$TD_DATABASE" --yes backup create)
like "$said" 'pg_dump failed .*signal 9' 'a pg_dump that is killed is noticed'
is "$(ls "$backups")" "$before" 'and nothing of it is left'

touch "$work/hangs"
rm -f "$work/dumping"
PATH=$work/bin:$PATH "$TENANTDECK" -d "$TD_DATABASE" --yes backup create >"$work/said" 2>&1 </dev/null &
victim=$!
td_until 20 test -e "$work/dumping"
ok $? 'a dump is under way'
kill -9 "$victim"
wait "$victim" 2>/dev/null
like "$(td "$TD_DATABASE" backup list)" 'unfinished' 'one that was killed is listed as unfinished'
like "$(td "$TD_DATABASE" --yes backup create)" 'exit 0' 'the next backup does not mind'
is "$(ls "$backups" | grep -c part)" 0 'and clears away what is left of it'

# ---- restoring ----

ask mentoring "CREATE ROLE app LOGIN; CREATE ROLE keeper;
    ALTER DATABASE mentoring OWNER TO keeper;
    ALTER DATABASE mentoring CONNECTION LIMIT 77;
    ALTER DATABASE mentoring SET search_path = \"\$user\", 'my \"Schema', public;
    ALTER ROLE app IN DATABASE mentoring SET work_mem = '5MB';
    REVOKE TEMPORARY ON DATABASE mentoring FROM PUBLIC;
    GRANT CONNECT, TEMPORARY ON DATABASE mentoring TO app WITH GRANT OPTION;
    COMMENT ON DATABASE mentoring IS 'it''s ours'" >/dev/null
like "$(td "$TD_DATABASE" --yes journal create)" 'created' 'the database has a journal'
generation=$(ask mentoring 'SELECT generation FROM tenantdeck.meta')
contents mentoring >"$work/whole"
properties="SELECT pg_get_userbyid(datdba), datconnlimit, datacl, shobj_description(d.oid, 'pg_database'),
    (SELECT array_agg(s.setrole::regrole || ': ' || s.setconfig::text ORDER BY s.setrole)
       FROM pg_db_role_setting s WHERE s.setdatabase = d.oid)
    FROM pg_database d WHERE datname = 'mentoring'"
ask postgres "$properties" >"$work/properties"
last=$(newest)
ask mentoring 'DELETE FROM session_attendees; DROP TABLE feedbacks' >/dev/null

like "$(td "$TD_DATABASE" --yes backup restore "$last")" 'exit 4' '--yes restores nothing'
said=$(td "$TD_DATABASE" --confirm backup restore "$last")
like "$said" 'nobody typed' 'nor does a bare --confirm without a terminal'
like "$said" '^  time    unknown: none was restored here; the backup took [0-9.]+s, and loading takes longer' \
    'of the time it tells what the dump took, where nothing was restored yet'
like "$(td "$TD_DATABASE" --confirm=other backup restore "$last")" "is 'mentoring', and not 'other'" \
    'nor the name of another database'

# A session that stays: its commands come from a pipe that we hold open.
mkfifo "$work/stay"
occupy() {
    PGAPPNAME='the app' psql -X -q -d "$1" <"$work/stay" >/dev/null 2>&1 &
    occupant=$!
    exec 9>"$work/stay"
    td_until 20 occupied
}
occupied() {
    [ "$(ask postgres "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'the app'")" = 1 ]
}
leave() {
    exec 9>&-
    wait "$occupant"
    td_until 20 vacant
}
vacant() {
    ! occupied
}
occupy mentoring
said=$(td "$TD_DATABASE" --confirm=mentoring backup restore "$last")
like "$said" "1 session is connected to 'mentoring'.*the app" 'a session that is connected is named'
like "$said" 'exit 4' 'and nothing is restored'
occupied
ok $? 'nobody is disconnected'
leave

said=$(td "$TD_DATABASE" --confirm=mentoring backup restore "$last")
like "$said" "'mentoring' is restored" 'a restore'
contents mentoring >"$work/restored"
runs 'brings back every byte of the data, and all definitions' cmp "$work/whole" "$work/restored"
is "$(ask postgres "$properties")" "$(cat "$work/properties")" \
    'owner, grants, settings, comment and limit are those of before'
old=$(ask postgres "SELECT datname FROM pg_database WHERE datname LIKE 'mentoring_before_%'")
is "$(ask "$old" "SELECT to_regclass('public.feedbacks') IS NULL")" t 'the old database is kept, as it was'
like "$said" "DROP DATABASE $old;" 'and the statement that drops it is told'
[ "$(ask mentoring 'SELECT generation FROM tenantdeck.meta')" != "$generation" ]
ok $? 'its journal is a new one'
like "$(td "$TD_DATABASE" log)" "restored from backup '$last'" 'which says where it comes from'
like "$(tail -n 1 "$restores"/*.jsonl)" '"what":"end".*"restored"' 'the file of the restore is closed'
told() {
    td "$TD_DATABASE" --confirm backup restore "$1" | grep '^  time '
}
like "$(told "$last")" "^  time    ~[0-9.]+s, as this backup's restore took at 20[0-9T:-]+Z" \
    'from then on the sheet tells how long it took'
like "$(told "$first")" '^  time    ~[0-9.]+s, by its size: another backup of it, .*B, took [0-9.]+s at 20' \
    'of another backup, too, by its size'
is "$(ask mentoring "SELECT count(*) > 0 FROM pg_stats WHERE tablename = 'sessions'")" t \
    'the planner has its statistics'

printf '%s\n' "$said" | sed -n 's/^ *\(ALTER DATABASE .*;\)$/\1/p' >"$work/back.sql"
runs 'the statements that take it back do so' psql -X -q -v ON_ERROR_STOP=1 -d postgres -f "$work/back.sql"
is "$(ask mentoring "SELECT to_regclass('public.feedbacks') IS NULL")" t 'the old one is in its place again'

# ---- the swap waits, and a kill is gone on from ----

cat >"$work/bin/pg_restore" <<'SH'
#!/bin/bash
case $1 in --version | --list) exec "$REAL_PG_RESTORE" "$@" ;; esac
[ -e "$NOTES/waits" ] || exec "$REAL_PG_RESTORE" "$@"
touch "$NOTES/loading"
read -r _ <"$NOTES/gate"
exec "$REAL_PG_RESTORE" "$@"
SH
chmod +x "$work/bin/pg_restore"
REAL_PG_RESTORE=$(td_pg_program pg_restore)
export REAL_PG_RESTORE
mkfifo "$work/gate"
touch "$work/waits"
load() {
    rm -f "$work/loading"
    PATH=$work/bin:$PATH "$TENANTDECK" -d "$TD_DATABASE" --confirm=mentoring backup restore "$last" \
        >"$work/said" 2>&1 </dev/null &
    victim=$!
    td_until 20 test -e "$work/loading"
}
scratches() {
    ask postgres "SELECT count(*) FROM pg_database WHERE datname LIKE 'mentoring_restore_2%' AND datname <> '$aside'"
}
aside=$(ask postgres "SELECT datname FROM pg_database WHERE datname LIKE 'mentoring_restore_2%'")

load
ok $? 'a restore loads'
like "$(td "$TD_DATABASE" --confirm=mentoring backup restore "$last")" 'exit 5' 'a second one is held off'
occupy mentoring
echo go >"$work/gate"
wait "$victim"
is "$?" 4 'somebody came while it loaded: the names are not swapped'
like "$(cat "$work/said")" 'is loaded and compared.*the app' 'and it says who, and what is ready'
is "$(scratches)" 1 'what was loaded stays'
like "$(td "$TD_DATABASE" backup list)" "restore of 'mentoring' from '$last' is not finished" 'the list tells of it'
leave
rm "$work/waits"
said=$(td "$TD_DATABASE" --confirm=mentoring backup restore "$last")
like "$said" 'going on: .* is loaded and compared' 'the same command goes on from there'
contents mentoring >"$work/restored"
runs 'with the same result' cmp "$work/whole" "$work/restored"
is "$(scratches)" 0 'and nothing left over'

touch "$work/waits"
load
ok $? 'another restore loads'
kill -9 "$victim"
wait "$victim" 2>/dev/null
td_until 20 test "$(scratches)" = 1
is "$(ask mentoring 'SELECT count(*) > 0 FROM public.feedbacks')" t 'killed while it loads: the database is untouched'
printf '{"at":"cut o' >>"$(ls -t "$restores"/*.jsonl | head -n 1)"
said=$(td "$TD_DATABASE" --confirm=mentoring backup restore --abandon)
like "$said" 'given up' 'it can be given up, even if its file was cut off within a line'
is "$(scratches)" 0 'and what it had made is dropped'
like "$(td "$TD_DATABASE" --confirm=mentoring backup restore --abandon)" 'no restore of .* is unfinished' 'once'

load
ok $? 'and one more'
kill -9 "$victim"
wait "$victim" 2>/dev/null
rm "$work/waits"
said=$(td "$TD_DATABASE" --confirm=mentoring backup restore "$first")
like "$said" "from backup '$last' is not finished" 'another backup has to wait for it'
occupy "$(ask postgres "SELECT datname FROM pg_database WHERE datname LIKE 'mentoring_restore_2%' AND datname <> '$aside'")"
td "$TD_DATABASE" --confirm=mentoring backup restore "$last" >"$work/said" 2>&1 9>&- &
victim=$!
runs 'what the server still does for it is waited for' \
    td_until 20 grep -q "^waiting for the server to end what was begun in 'mentoring_restore_.*the app" "$work/said"
leave
wait "$victim"
said=$(cat "$work/said")
like "$said" 'begun anew' 'the same one is begun anew'
like "$said" "'mentoring' is restored" 'and comes to its end'
is "$(scratches)" 0 'without anything left over'

# As a kill right after the swap would leave the file.
newest_log=$(ls -t "$restores"/*.jsonl | head -n 1)
sed -i -e '/"what":"end"/d' -e '/"what":"swap","is":"done"/d' "$newest_log"
said=$(td "$TD_DATABASE" --confirm=mentoring backup restore "$last")
like "$said" 'swapped already' 'one that was killed after the swap is seen to have swapped'
like "$said" 'exit 0' 'and is ended in order'

# A load that fails leaves nothing.
cat >"$work/bin/pg_restore" <<'SH'
#!/bin/bash
case $1 in --version | --list) exec "$REAL_PG_RESTORE" "$@" ;; esac
echo 'pg_restore: error: no room' >&2
exit 1
SH
said=$(PATH=$work/bin:$PATH td "$TD_DATABASE" --confirm=mentoring backup restore "$last")
like "$said" "nothing of 'mentoring' was touched: pg_restore failed .*no room" 'a load that fails says why'
is "$(scratches)" 0 'and leaves no database behind'
# Rows that are missing after the load are noticed.
cat >"$work/bin/pg_restore" <<'SH'
#!/bin/bash
case $1 in --version | --list) exec "$REAL_PG_RESTORE" "$@" ;; esac
"$REAL_PG_RESTORE" "$@"
status=$?
psql -X -q -c 'DELETE FROM public.feedbacks WHERE id = (SELECT min(id) FROM public.feedbacks)'
exit $status
SH
said=$(PATH=$work/bin:$PATH td "$TD_DATABASE" --confirm=mentoring backup restore "$last")
like "$said" "'feedbacks' has [0-9]+ rows after loading, and had" 'a row that is missing after the load is noticed'
is "$(scratches)" 0 'and what was loaded is thrown away'

# A pg_restore of version 17 says one thing that a server of before does not know.
mkdir "$work/newer"
cp "$backups/$last.dump" "$work/newer/newer.dump"
python3 - "$backups/$last.json" "$work/newer/newer.json" <<'PY'
import hashlib, json, sys
facts = json.load(open(sys.argv[1]))
facts["pg_dump_major"] = 17
del facts["checksum"]
text = json.dumps(facts, separators=(",", ":"), sort_keys=True)
facts["checksum"] = hashlib.sha256(text.encode()).hexdigest()
json.dump(facts, open(sys.argv[2], "w"))
PY
cat >"$work/bin/pg_restore" <<'SH'
#!/bin/bash
case $1 in --version) echo 'pg_restore (PostgreSQL) 17.1' && exit ;; --list) exec "$REAL_PG_RESTORE" "$@" ;; esac
printf '%s\n' "$*" >"$NOTES/words"
echo 'pg_restore: error: could not execute query: ERROR:  unrecognized configuration parameter "transaction_timeout"
Command was: SET transaction_timeout = 0;' >&2
"$REAL_PG_RESTORE" "$@"
[ ! -e "$NOTES/more" ] || echo 'pg_restore: error: could not execute query: ERROR:  no room' >&2
[ -e "$NOTES/cut" ] || echo 'pg_restore: warning: errors ignored on restore: 1' >&2
exit 1
SH
newer() {
    PATH=$work/bin:$PATH td "$TD_DATABASE" --confirm=mentoring backup restore "$work/newer/newer.dump"
}
if [ "$(ask postgres 'SHOW server_version_num')" -lt 170000 ] &&
    "$REAL_PG_RESTORE" --version | grep -qE '\) 1[0-6]'; then
    touch "$work/more"
    like "$(newer)" "nothing of 'mentoring' was touched: pg_restore failed" 'another complaint beside it is a failure'
    rm "$work/more"
    touch "$work/cut"
    like "$(newer)" "nothing of 'mentoring' was touched: pg_restore failed" 'and so is one that did not come to its end'
    rm "$work/cut"
    is "$(scratches)" 0 'of which nothing is left'
    like "$(newer)" "'mentoring' is restored" 'with it alone the restore is whole'
    unlike "$(cat "$work/words")" '--exit-on-error|--jobs' 'by one job that goes on to its end'
else
    skip 'a pg_restore that is newer than the server' 'this one knows all that it says'
fi

# ---- the database is gone ----

ask postgres 'DROP DATABASE mentoring' >/dev/null
said=$(td "$TD_DATABASE" --confirm=mentoring backup restore "$last")
like "$said" "'mentoring' is restored" 'a database that was dropped comes back'
is "$(ask postgres "SELECT pg_get_userbyid(datdba), datconnlimit FROM pg_database WHERE datname = 'mentoring'")" \
    'postgres|-1' 'with the owner that it had when it was dumped'

# ---- triggers that need the journal ----

td "$TD_DATABASE" --yes journal create >/dev/null
ask mentoring "CREATE FUNCTION tenantdeck.fill_it() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE TRIGGER td_fill BEFORE INSERT ON public.sessions FOR EACH ROW EXECUTE FUNCTION tenantdeck.fill_it();
    CREATE FUNCTION public.own() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE TRIGGER own BEFORE INSERT ON public.sessions FOR EACH ROW EXECUTE FUNCTION public.own()" >/dev/null
td "$TD_DATABASE" --yes backup create >"$work/said"
said=$(td "$TD_DATABASE" --confirm=mentoring backup restore "$(newest)")
like "$said" 'triggers of the migration are left out' 'fill triggers are left out of a restore, and that is said'
is "$(ask mentoring "SELECT string_agg(tgname, ' ') FROM pg_trigger
    WHERE NOT tgisinternal AND tgrelid = 'public.sessions'::regclass")" own \
    'the others are there'

# ---- names ----

hostile="it's a \"db\"; DROP / 'x' \\ ünï"
# Before version 15 the locale of a database is the C library's.
icu=
[ "$(ask postgres 'SHOW server_version_num')" -lt 150000 ] || icu="LOCALE_PROVIDER icu ICU_LOCALE 'de'"
PGDATABASE=postgres psql -X -q -v name="$hostile" -v icu="$icu" >/dev/null <<'SQL'
CREATE DATABASE :"name" TEMPLATE template0 :icu LOCALE 'C.UTF-8' ENCODING 'UTF8';
ALTER DATABASE :"name" SET search_path = '';
SQL
escaped=$(printf '%s' "$hostile" | sed -e "s/[\\\\']/\\\\&/g")
psql -X -q -d "dbname='$escaped'" <<'SQL'
CREATE SCHEMA "o'""ther";
CREATE TABLE "o'""ther"."a
TABLE DATA x" (id int PRIMARY KEY, v text);
INSERT INTO "o'""ther"."a
TABLE DATA x" SELECT i, repeat('x', i) FROM generate_series(1, 100) AS i;
CREATE TABLE public.parts (id int, k int) PARTITION BY LIST (k);
CREATE TABLE public.parts_1 PARTITION OF public.parts FOR VALUES IN (1);
CREATE TABLE public.parts_2 PARTITION OF public.parts FOR VALUES IN (2);
INSERT INTO public.parts SELECT i, i % 2 + 1 FROM generate_series(1, 10) AS i;
SQL
contents "dbname='$escaped'" >"$work/hostile"
said=$(td "dbname='$escaped'" --yes backup create)
like "$said" 'all 4 tables' 'a database with a hostile name is backed up'
file=$(ls "$backups" | grep 'DROP.*dump$')
like "$file" '^it_s_a__db___DROP___' 'into a file that no shell stumbles over'
psql -X -q -d "dbname='$escaped'" -c 'TRUNCATE public.parts'
said=$(td "dbname='$escaped'" --confirm="$hostile" backup restore "${file%.dump}")
like "$said" 'is restored: 110 rows' 'and restored'
contents "dbname='$escaped'" >"$work/restored"
runs 'with identical data' cmp "$work/hostile" "$work/restored"
is "$(ask "dbname='$escaped'" 'SHOW search_path')" '""' 'and its empty search path'
[ -z "$icu" ] ||
    is "$(ask postgres "SELECT count(*) FROM pg_database WHERE datlocprovider = 'i'")" 2 'both have their ICU locale'

longest=$(printf 'ü%.0s' $(seq 31))x
createdb "$longest"
ask "$longest" 'CREATE TABLE public.one AS SELECT 1' >/dev/null
td "dbname=$longest" --yes backup create >"$work/said"
said=$(td "dbname=$longest" --confirm="$longest" backup restore "$(newest ü)")
like "$said" "' is restored: 1 rows" 'a name of 63 bytes leaves room for the stamp'
is "$(ask postgres "SELECT count(*) FROM pg_database WHERE datname LIKE 'ü%'")" 2 'and the old one is kept'

# ---- in the console, and at a terminal ----

# console LINE...: the console on a terminal of its own, for whom a restore is one verb among others.
console() {
    printf '%s\n' 'wait to mentoring' "send :backup restore $last\\r" 'wait type mentoring:' "$@" end >"$work/script"
    "$TD_BUILDDIR/tests/screen/pty" 80x24 "$work/script" "$TENANTDECK" -d "$TD_DATABASE" --operator --refresh 0.3 2>&1
}
databases() {
    ask postgres "SELECT count(*) FROM pg_database"
}
count=$(databases)
said=$(console 'type mentorin' 'send \r' 'wait nothing was done' 'send q')
is "$(head -n 1 <<<"$said"):$(databases)" "exit 0:$count" 'in the console it wants the name, letter for letter'
cat >"$work/replace" <<END
sed -i 's/"sha256": "./"sha256": "x/' "$backups/$last.json"
END
cp "$backups/$last.json" "$work/facts"
said=$(console "run sh $work/replace" 'type mentoring' 'send \r' 'wait exit 1' 'send \e' 'wait quit' 'send q')
cp "$work/facts" "$backups/$last.json"
is "$(head -n 1 <<<"$said"):$(databases)" "exit 0:$count" 'a backup that is another one by then is not restored'
in_session other 'SELECT 1'
said=$(console 'type mentoring' 'send \r' 'wait exit 4' 'send \e' 'wait to mentoring' 'send q')
like "$said" '^exit 0' 'nor is anything while somebody else is connected' || td_note "$said"
end_sessions
is "$(databases)" "$count" 'of which nothing is left'
ask mentoring 'CREATE TABLE public.since (id int)' >/dev/null
said=$(console 'type mentoring' 'send \r' 'wait left alone' 'wait loading' 'send \eq' 'wait Ctrl-C ends it' \
    'wait is restored' 'wait exit 0' 'send \e' 'wait to mentoring' 'send q')
like "$said" '^exit 0' 'the console lets go of the database, restores, and is there again' || td_note "$said"
is "$(ask mentoring "SELECT to_regclass('public.since') IS NULL")" t 'on the restored one'

printf '%s\n' 'wait type the name of the database' 'type mentorin' 'send \r' end >"$work/script"
said=$("$TD_BUILDDIR/tests/screen/pty" 80x24 "$work/script" "$TENANTDECK" -d "$TD_DATABASE" --yes \
    backup restore "$last" 2>&1)
like "$said" '^exit 4' 'at a terminal the wrong name is refused'
printf '%s\n' 'wait type the name of the database' 'type mentoring' 'send \r' 'wait is restored' end >"$work/script"
said=$("$TD_BUILDDIR/tests/screen/pty" 80x24 "$work/script" "$TENANTDECK" -d "$TD_DATABASE" --confirm \
    backup restore "$last" 2>&1)
like "$said" '^exit 0' 'and the right one restores, though --confirm was bare'

like "$(td "$TD_DATABASE" backup list --json | sed '$d' | answer '["backups"][0]["state"]')" whole 'the list in JSON'


# ---- pruning ----

kept=$work/kept
prune() {
    td "$TD_DATABASE" --confirm=mentoring backup prune --directory="$kept" "$@"
}
names() {
    for file in "$kept"/*; do
        expr "$file" : '.*_\(.*\)' | tr '\n' ' '
    done
}
# Copies of a real one, as if they were made at other times.
mkdir -m 700 "$kept"
whole=$last
for minute in 01 02 03 04; do
    for suffix in dump json; do
        cp "$backups/$whole.$suffix" "$kept/mentoring_20260101_12${minute}00.$suffix"
    done
done
truncate -s -1 "$kept/mentoring_20260101_120400.dump"
all=$(names)
like "$(prune --keep=2 --dry-run)" 'goes: mentoring_20260101_120100$' 'a dry run says which backups go'
is "$(names)" "$all" 'and leaves them all'
like "$(td "$TD_DATABASE" --yes backup prune --directory="$kept" --keep=1 </dev/null)" '^exit 4' \
    'a yes is not enough for it'
is "$(names)" "$all" 'and nothing goes'
like "$(prune --keep=0)" "'--keep' wants a number from 1" 'one stays in any case'
said=$(prune --keep=2)
like "$said" '^exit 0' 'the old ones are removed'
like "$said" '2 of this database stay; 1 others are left alone' 'it says what stays'
is "$(names)" '120200.dump 120200.json 120300.dump 120300.json 120400.dump 120400.json ' \
    'a damaged one counts for nothing, and stays'
printf 'X' | dd of="$kept/mentoring_20260101_120300.dump" bs=1 seek=2000 conv=notrunc status=none
like "$(prune --keep=1)" 'nothing was removed: the newest backup.*is not whole' \
    'nothing is given up for a newest one that is broken inside'
is "$(names)" '120200.dump 120200.json 120300.dump 120300.json 120400.dump 120400.json ' 'all are there'

done_testing
