#!/bin/bash
# What stands before a rollback and beside it: the numbered guide, which changes nothing; choices of a part;
# reasons to refuse before the first statement; each change read back from the catalog; and a rollback that
# was killed goes on.
. "$(dirname "$0")/../lib.sh"
. "$TD_SRCDIR/tests/migration.sh"
td_start_postgres
td_load_demo 0.02
td_prepare_migration
psql -X -q -d postgres -c 'ALTER DATABASE mentoring RENAME TO pristine'

# As somebody who names no database beforehand: nobody is asked without a terminal.
unnamed() {
    (cd "$work" && "$TENANTDECK" -d dbname=subject -p ./mentoring.plan "$@" 2>&1)
}
runs_noted() { td_ask subject 'SELECT count(*) FROM tenantdeck.run'; }
same_as_before() {
    { td_schema subject && td_rows subject; } >"$work/after"
    cmp -s "$work/before" "$work/after"
    ok $? "$1" || td_note "$(diff "$work/before" "$work/after" | head -n 12)"
}

td_fresh subject
{ td_schema subject && td_rows subject; } >"$work/before"
like "$(unnamed rollback)" "has never been run here" 'before a migration there is nothing to guide through'
td_on subject migrate >"$work/said"
ok $? 'a migration, with its backup' || td_note "$(tail -n 5 "$work/said")"
like "$(tail -n 2 "$work/said")" "left for later: 'run release' drops the fill triggers of 27 tables and [1-9][0-9]* indexes .*writes any more" \
    'its end points to the step that is left, and says when and what'
like "$(td_on subject status steps)" '^Steps: .*, left for later: release$' 'and so do the steps'
skipped=$(td_on subject status steps | grep -oE '^[a-z-]+ +– skipped')

# ---- the guide ----

before=$(runs_noted)
td_ask subject "INSERT INTO post_session_details SELECT max(session_id) + 1, 'later' FROM post_session_details" >/dev/null 2>&1
td_ask subject "UPDATE sessions SET title = title || ' ' WHERE id IN (SELECT id FROM sessions ORDER BY id LIMIT 3)" >/dev/null
guide=$(unnamed rollback)
is "$?:$(runs_noted)" "0:$before" 'rollback without a choice changes nothing'
for part in '1\. What is found now' '52 of the 52 columns of the plan' '2\. What is taken back, in this order' \
    '^ +1  views ' '^ +8  mapping ' '3\. What stays' '4\. What only a restore takes back' '5\. Backup' \
    'taken 20.*ago; checked when it was made' '6\. Time' '^   ~[0-9.]+s, by the times' \
    '7\. Rows written since, which lose their codes' '^   sessions +3$' '8\. Can it be taken back\?' \
    '^   yes: [0-9]+ checks passed, 0 warn, 0 failed' '9\. What can be chosen' \
    'just now: indexes foreign-keys views'; do
    like "$guide" "$part" "the guide tells: $part"
done
like "$(unnamed rollback --json)" '"possible": true' 'and a program reads the same'
like "$(unnamed rollback --preserve-data --dry-run)" 'DROP INDEX' 'a dry run prints the statements'
exits 4 'a choice without a name is refused' unnamed rollback --all

# ---- a part of it ----

exits 4 'a step that others stand on does not go alone' unnamed rollback --only keys
like "$td_said" "step 'foreign-keys' came after it and stands on it" 'and the reason is told'
exits 2 'two choices are none' unnamed rollback --only keys --to columns
td_schema subject >"$work/whole"
td_on subject rollback --only indexes >"$work/said"
ok $? 'one step that nothing stands on goes alone' || td_note "$(tail -n 5 "$work/said")"
like "$(cat "$work/said")" 'of 26 records 26 are read back from the catalog, 0 it cannot tell of' \
    'each of its changes is read back from the catalog'
is "$(td_ask subject "SELECT string_agg(DISTINCT s.state, ' ') FROM tenantdeck.step s JOIN tenantdeck.run r ON r.id = s.run
                       WHERE r.verb = 'rollback'")" undone 'and it and what was validated after it are undone'
like "$(td_on subject status steps)" '^keys +✓' 'the others are not'
td_on subject run indexes >"$work/said"
td_schema subject | cmp -s - "$work/whole"
ok $? 'the step can be done again, to the same'

# ---- reasons to refuse ----

td_ask subject 'CREATE VIEW of_others AS SELECT tenant_code FROM sessions' >/dev/null
guide=$(unnamed rollback)
is $? 1 'what others have built on our columns is a finding of the guide'
like "$guide" '^   fail +nobody has built on it: view public.of_others stands on public.sessions.tenant_code' 'by its name'
like "$guide" 'DROP VIEW public.of_others;' 'with what would mend it'
like "$guide" '^   NO: ' 'and it says no'
before=$(runs_noted)
exits 4 'nobody is asked for a name then' unnamed rollback --all
guide=$(unnamed rollback --preserve-data 2>&1)
unlike "$guide" '^   NO: |of_others' "where the columns stay it is in nobody's way"
like "$guide" 'the columns with what they hold' 'as the guide says'
is "$(runs_noted)" "$before" 'and no worker begins'
td_on subject rollback >"$work/said"
is $? 1 'a name that came along does not help'
like "$(cat "$work/said")" 'nothing was taken back' 'nothing was taken back'
like "$(unnamed rollback --to columns --all 2>&1)" "leaves nothing to choose beside it" '--all has no part'
td_on subject rollback --to keys >"$work/said"
ok $? 'but what does not touch the column goes' || td_note "$(tail -n 5 "$work/said")"
td_ask subject 'DROP VIEW of_others' >/dev/null

# ---- a statement that says that it worked, and did not ----

td_ask subject "CREATE FUNCTION again() RETURNS event_trigger LANGUAGE plpgsql AS \$\$
    BEGIN
        IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'public.sessions'::regclass
                          AND attname = 'tenant_code' AND NOT attisdropped) THEN
            ALTER TABLE public.sessions ADD COLUMN tenant_code varchar(255);
        END IF;
    END \$\$;
    CREATE EVENT TRIGGER again ON ddl_command_end WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION again()"
td_on subject rollback >"$work/said"
is $? 1 'a change that the catalog does not show is not said to be done'
like "$(cat "$work/said")" 'table column public.sessions.tenant_code: its statement ran, but the catalog shows this' \
    'and the reason is what the catalog shows'
like "$(td_on subject status steps)" '^columns +✗' 'its step has failed'
td_ask subject 'DROP EVENT TRIGGER again; DROP FUNCTION again' >/dev/null

# ---- killed, and again ----

# killed_at POINT: the worker of a rollback dies there.
killed_at() {
    TENANTDECK_FAILPOINT=$1 td_on subject rollback --detach >/dev/null
    td_until 60 td_no_worker subject
}
kept() { td_ask subject "SELECT count(*) FROM tenantdeck.undo WHERE state = 'kept'"; }
if grep -q TENANTDECK_FAILPOINT "$TENANTDECK"; then
    before=$(kept)
    killed_at columns:K3:5
    [ "$(kept)" -gt 1 ] && [ "$(kept)" -lt "$before" ]
    ok $? 'a worker dies in the middle of a rollback'
    # The last record is settled, and nobody could say so any more.
    killed_at mapping:K7:1
    is "$(kept)" 0 'it goes on, and another dies when all is taken back and not yet said'
fi
td_on subject rollback >"$work/said"
ok $? 'it goes on and comes to its end' || td_note "$(tail -n 5 "$work/said")"
td_ask subject "UPDATE sessions SET title = rtrim(title) WHERE title LIKE '% '" >/dev/null
is "$(td_on subject status steps | grep -oE '^[a-z-]+ +– skipped')" "$skipped" 'what was skipped is shown as skipped, and not as undone'
is "$(td_on subject status steps | grep '✓' | grep -vE '^(preflight|backup) ')" '' 'no step is shown as done'
td_schema subject >"$work/after"
td_schema pristine | cmp -s - "$work/after"
ok $? 'the definitions are those of before, byte for byte'
like "$(td_on subject rollback)" 'there is nothing to take back' 'and after that there is nothing left'

# ---- what somebody has dropped meanwhile ----

td_fresh subject
td_on subject migrate --no-backup --to not-null >"$work/said"
td_ask subject 'ALTER TABLE sessions DROP COLUMN tenant_code' >/dev/null
td_on subject rollback >"$work/said"
ok $? 'a column of ours that is gone already does not stop a rollback' || td_note "$(tail -n 5 "$work/said")"
td_schema subject >"$work/after"
td_schema pristine | cmp -s - "$work/after"
ok $? 'and all is as before'

td_fresh subject
td_on subject migrate --no-backup --to foreign-keys >"$work/said"
td_ask subject 'DROP TABLE issues' >/dev/null
td_schema subject >"$work/whole"
td_on subject rollback >"$work/said"
is $? 1 'a table that is gone, to which an old key would have to come back, refuses it'
like "$(cat "$work/said")" "nothing was taken back: 1 of .*there is no table public.issues" 'with the reason'
like "$(cat "$work/said")" "hint: 'tenantdeck findings --long' shows what stands in the way, and what mends it" \
    'and what to do'
td_schema subject | cmp -s - "$work/whole"
ok $? 'and before anything is taken back'

td_fresh subject
td_ask subject "ALTER TABLE issues ADD COLUMN tenant_code varchar(255) DEFAULT 'old'" >/dev/null
td_on subject migrate --no-backup --to confirm >"$work/said"
td_ask subject 'ALTER TABLE issues DROP COLUMN tenant_code' >/dev/null
td_on subject rollback >"$work/said"
like "$(cat "$work/said")" 'nothing was taken back: 1 of .*old values of public.issues: public.issues has no column tenant_code' \
    'so does a column whose old values would have to come back'

# ---- a role that cannot keep triggers quiet ----

psql -X -q -d postgres -c 'CREATE ROLE app LOGIN' -c 'CREATE DATABASE owned TEMPLATE pristine OWNER app'
td_ask owned "DO \$\$ DECLARE o record; BEGIN
    FOR o IN SELECT oid::regclass AS name, CASE relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END AS kind
               FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'm') LOOP
        EXECUTE format('ALTER %s %s OWNER TO app', o.kind, o.name);
    END LOOP; END \$\$; GRANT CREATE ON SCHEMA public TO app" >/dev/null
td_ask owned "ALTER TABLE sessions ADD COLUMN tenant_code varchar(255) DEFAULT 'old', ADD COLUMN organization_code varchar(255);
    CREATE FUNCTION loud() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE TRIGGER loud BEFORE UPDATE ON sessions FOR EACH ROW EXECUTE FUNCTION loud();
    ALTER TABLE sessions OWNER TO app" >/dev/null
PGUSER=app td_on owned migrate --no-backup --triggers >"$work/said"
ok $? 'the owner migrates columns that were there, with its triggers' || td_note "$(grep -v ' info ' "$work/said" | tail -n 5)"
guide=$(cd "$work" && PGUSER=app "$TENANTDECK" -d dbname=owned -p ./mentoring.plan rollback 2>&1)
like "$guide" '^   fail +triggers stay quiet: triggers of the application would fire .*public.sessions: loud' \
    'the guide names the triggers that would fire'
PGUSER=app td_on owned rollback >"$work/said"
is $? 1 'and a rollback is refused'
PGUSER=app td_on owned rollback --triggers >"$work/said"
ok $? 'until somebody lets them' || td_note "$(grep -v ' info ' "$work/said" | tail -n 5)"
is "$(td_ask owned "SELECT DISTINCT tenant_code FROM sessions")" old 'the old values are back'
done_testing
