#!/bin/sh
# The journal from the command line: it is made, refused where it must be, recognised in a copy, and
# what a run has written into it is what `status` and `log` show.
. "$(dirname "$0")/../lib.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
td_start_postgres

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

# ---- making it ----

createdb deck
like "$(td dbname=deck journal status)" 'no journal' 'a new database has none'
is "$(td dbname=deck journal create | tail -n 1)" 'exit 4' 'it is not made unless somebody says yes'
is "$(ask deck "SELECT to_regnamespace('tenantdeck') IS NULL")" t 'and nothing is there'
is "$(td dbname=deck --yes journal create)" 'journal version 3: created
exit 0' 'it is made'
like "$(td dbname=deck --yes journal create)" 'was there already' 'once'
like "$(td dbname=deck journal status)" "generation $(ask deck 'SELECT generation FROM tenantdeck.meta')" \
    'its generation is shown'
like "$(ask deck 'SELECT program FROM tenantdeck.meta')" '^[0-9]+\.[0-9]+' 'it is signed'

# ---- what is refused, with the way out ----

ask postgres 'CREATE ROLE poor LOGIN; CREATE ROLE "odd ""one" LOGIN' >"$work/roles"
createdb bare
refused=$(td 'dbname=bare user=poor' --yes journal create)
like "$refused" 'GRANT CREATE ON DATABASE "bare" TO "poor"' 'the missing GRANT is named'
like "$refused" 'exit 4' 'and it is a refusal'
like "$(td 'dbname=bare user=odd\ \"one' --yes journal create)" 'TO "odd ""one"' \
    'in a form that can be typed'
ask bare 'CREATE SCHEMA tenantdeck' >"$work/schema"
like "$(td 'dbname=bare user=poor' --yes journal create)" \
    'GRANT USAGE, CREATE ON SCHEMA tenantdeck TO "poor"' 'an empty schema of others is refused, too'
ask bare 'ALTER SCHEMA tenantdeck OWNER TO poor' >"$work/schema"
like "$(td 'dbname=bare user=poor' --yes journal create)" 'created' \
    'one that a DBA made for the role is filled'

createdb foreign
ask foreign 'CREATE SCHEMA tenantdeck; CREATE TABLE tenantdeck.meta (id int)' >"$work/schema"
like "$(td dbname=foreign --yes journal create)" 'holds no journal' "somebody else's schema is refused"
is "$(ask foreign "SELECT count(*) FROM pg_class WHERE relnamespace = 'tenantdeck'::regnamespace")" 1 \
    'and not touched'

like "$(td 'dbname=deck user=poor' --yes journal create)" \
    'GRANT USAGE ON SCHEMA tenantdeck TO "poor"' 'a role that may not read it is told what is missing'
ask deck 'GRANT USAGE ON SCHEMA tenantdeck TO poor;
          GRANT SELECT ON ALL TABLES IN SCHEMA tenantdeck TO poor' >"$work/granted"
like "$(td 'dbname=deck user=poor' --yes journal create)" 'may not write to it' \
    'one that may only read is no writer'

createdb -T deck newer
ask newer "UPDATE tenantdeck.meta SET version = 99, program = '9.9'" >"$work/newer"
like "$(td dbname=newer --yes journal create)" 'has version 99.*versions up to [0-9]' \
    'a newer journal is refused'
like "$(td dbname=newer --yes journal create)" '9\.9' 'with the program that made it'
is "$(ask newer 'SELECT version FROM tenantdeck.meta')" 99 'and not touched'

like "$(td "dbname=bare options='-c default_transaction_isolation=serializable'" --yes journal create)" \
    'exit 0' 'the isolation level of a role does not matter'

# ---- what a run has written ----

ask deck "INSERT INTO tenantdeck.plan (name, hash, kind, title, text, document)
          VALUES ('mentoring', repeat('0', 64), 'columns', 'x', '', '{}');
          INSERT INTO tenantdeck.run (generation, plan, verb, mode, state, os_user, host, program,
                                      ended_at)
          SELECT m.generation, p.id, 'migrate', 'online', s.state, 'anna', 'bastion' || s.n, '0',
                 CASE s.state WHEN 'done' THEN clock_timestamp() + interval '1 s' END
            FROM tenantdeck.meta m, tenantdeck.plan p,
                 (VALUES (1, 'running'), (2, 'done')) AS s (n, state) ORDER BY s.n;
          INSERT INTO tenantdeck.step (run, ordinal, name, type, state, done, total, started_at, trouble)
          VALUES (1, 1, 'preflight', 'verify', 'done', NULL, NULL, now(), NULL),
                 (1, 2, 'fill', 'batch', 'failed', 400, 1000, now(), 'a row leads nowhere');
          INSERT INTO tenantdeck.heartbeat (run, epoch) SELECT 1, 1;
          INSERT INTO tenantdeck.lease (plan, epoch, run) VALUES ('mentoring', 7, 1);
          INSERT INTO tenantdeck.event (run, step, severity, source, text)
          VALUES (1, 2, 'error', 'worker', 'the fill has stopped');
          INSERT INTO tenantdeck.finding (run, check_group, check_name, subject, verdict, severity,
                                          count, message, samples, query, fix)
          VALUES (1, 'references', 'orphans', 'session_attendees', 'fail', 'error', 12,
                  'twelve rows lead nowhere', '[{\"id\": 1}]', 'SELECT 1', 'SELECT 2')" >"$work/run"
is "$(cat "$work/run")" '' 'a run is written'
read_as_is() {
    { echo 'PREPARE read AS'; "$TENANTDECK" sql "$1"; } >"$work/read.sql"
    psql -X -q -At -F ' | ' -d deck -f "$work/read.sql" -c "EXECUTE read($2)" 2>&1
}
like "$(read_as_is journal_overview "'mentoring'")" \
    '^1 \| mentoring \| 0{64} \| migrate \| online \| running \| anna@bastion1 \| [0-9]{13} \| [0-9]{13} \| t \|  \| -1 \| -1$' \
    'the open run comes before a newer one that is done, and it is alive'
is "$(read_as_is journal_overview "'other'")" '' 'a plan that never ran has none'
like "$(read_as_is journal_overview NULL)" '^1 \|' 'without a plan, any will do'
like "$(read_as_is journal_steps 1)" '2 \| fill \| batch \| failed \| 400 \| 1000 \| -1 \|.*leads nowhere' \
    'its steps'
is "$(read_as_is journal_events "3, NULL, 1, 'debug', NULL, NULL, NULL, NULL" | cut -d ' ' -f 1,5-)" '4 1 | fill | error | worker | the fill has stopped' \
    'the newest events after one that is known'
like "$(read_as_is journal_findings "'mentoring'")" \
    '^1 \| references \| orphans \| session_attendees \| fail \| error \| 12 \|' \
    'the findings of the newest run that has any'
ask deck "UPDATE tenantdeck.heartbeat SET at = now() - interval '16 seconds';
          UPDATE tenantdeck.lease SET claimed_at = now() - interval '1 hour'" >"$work/late"
like "$(read_as_is journal_overview "'mentoring'")" '\| f \|  \| -1 \| -1$' 'silent for 16 seconds is not alive'

shown=$(td dbname=deck -p "$TD_SRCDIR/data/plans/mentoring.plan" status)
like "$shown" 'anna@bastion1' 'status says who runs'
like "$shown" 'fill +.*failed' 'and which step has failed'
like "$shown" 'twelve rows lead nowhere' 'and what was found'
like "$(td dbname=deck log)" 'error +fill +the fill has stopped' 'the log has the event'

# ---- a copy is no original ----

createdb -T deck copy
like "$(td dbname=copy journal status --json)" '"copied": true' 'a copy is recognised'
original=$(ask deck 'SELECT generation FROM tenantdeck.meta')
is "$(ask copy 'SELECT generation FROM tenantdeck.meta')" "$original" 'with the name of the original'
like "$(td dbname=copy --yes journal create)" 'exit 0' 'a new generation begins'
is "$(ask copy "SELECT count(*) FROM tenantdeck.meta WHERE generation <> '$original'")" 1 \
    'with a name of its own'
is "$(ask copy "SELECT count(*) FROM tenantdeck.run WHERE state = 'running'")" 0 'no run is open there'
is "$(ask copy 'SELECT run IS NULL, epoch FROM tenantdeck.lease')" 't|8' 'its lease is free and fenced'
like "$(td dbname=copy log)" 'begins generation' 'the log says so'
is "$(ask deck "SELECT count(*) FROM tenantdeck.run WHERE state = 'running'")" 1 'the original runs on'

done_testing
