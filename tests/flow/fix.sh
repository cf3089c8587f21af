#!/bin/bash
# What a validation finds wrong is mended by the statements of the plan's own steps, as far as that decides
# nothing about data: broken after the migration, found, mended, found right, and still taken back to what
# was before.
. "$(dirname "$0")/../lib.sh"
. "$TD_SRCDIR/tests/migration.sh"
td_start_postgres
td_load_demo 0.02
td_prepare_migration
psql -X -q -d postgres -c 'ALTER DATABASE mentoring RENAME TO pristine'

td_fresh subject
# Columns that were there before, whose old values have to come back in the end.
td_ask subject "ALTER TABLE issues ADD COLUMN tenant_code varchar(255) DEFAULT 'old', ADD COLUMN organization_code varchar(255)" >/dev/null
{ td_schema subject && td_rows subject; } >"$work/before"
like "$(td_on subject fix)" 'has never been run here' 'before a migration there is nothing to mend'
td_on subject migrate --no-backup >"$work/said"
ok $? 'a migration' || td_note "$(grep -v ' info ' "$work/said" | tail -n 5)"
{ td_schema subject && td_rows subject; } >"$work/whole"
like "$(td_on subject fix)" 'the last validation found nothing wrong' 'after it nothing is wrong'

# ---- a mapping that was changed after it was loaded ----

file_finding() {
    td_on subject validate >"$work/said"
    td_ask subject "SELECT verdict, count, message FROM tenantdeck.finding
                     WHERE check_name = 'mapping file' AND run = (SELECT max(id) FROM tenantdeck.run)"
}
is "$(file_finding)" '' 'nothing is said of a mapping file that is as it was loaded'
cp "$work/data_codes.csv" "$work/loaded.csv"
awk -F, -v OFS=, 'NR == 3 { $2 = "other_code" } NR != 5' "$work/loaded.csv" >"$work/data_codes.csv"
like "$(file_finding)" '^warn.2.has been changed since it was loaded: the rows are compared with the codes of then$' \
    'one that was changed is told: a key has another code, one is gone'
mv "$work/loaded.csv" "$work/data_codes.csv"
is "$(file_finding)" '' 'and is right again when it is put back'

# ---- broken ----

said=$(td_ask subject "SET session_replication_role = replica;
    UPDATE sessions SET tenant_code = 'nobody' WHERE id IN (SELECT id FROM sessions ORDER BY id LIMIT 3);
    UPDATE issues SET tenant_code = 'nobody' WHERE id IN (SELECT id FROM issues ORDER BY id LIMIT 2);
    RESET session_replication_role;
    ALTER TABLE user_extensions ALTER organization_code DROP NOT NULL;
    ALTER TABLE post_session_details DROP CONSTRAINT post_session_details_pkey;
    DROP INDEX availabilities_tenant_code_user_id_start_time_idx;
    UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'connection_requests_tenant_code_friend_id_idx'::regclass;
    ALTER TABLE session_attendees DROP CONSTRAINT session_attendees_tenant_code_session_id_fkey;
    UPDATE pg_constraint SET convalidated = false WHERE conname = 'resources_tenant_code_session_id_fkey';
    DROP TRIGGER tenantdeck_fill_mentoring ON feedbacks;
    CREATE UNIQUE INDEX of_others ON feedbacks (id)")
is "$said" '' 'eight things are broken, and one is somebody else'"'"'s'
td_on subject validate >"$work/said"
is $? 1 'validate finds them'
like "$(cat "$work/said")" "nothing was changed; the Validation pane.*'tenantdeck fix --dry-run'" 'and its hint fits a verb that only looks'

# ---- what would be done ----

before=$(td_ask subject 'SELECT count(*) FROM tenantdeck.run')
dry=$(td_on subject fix --dry-run)
is "$?:$(td_ask subject 'SELECT count(*) FROM tenantdeck.run')" "0:$before" 'a dry run changes nothing'
for part in 'CREATE INDEX CONCURRENTLY availabilities_tenant_code_user_id_start_time_idx' \
    'DROP INDEX CONCURRENTLY public.connection_requests_tenant_code_friend_id_idx' \
    'ADD CONSTRAINT session_attendees_tenant_code_session_id_fkey FOREIGN KEY' \
    'VALIDATE CONSTRAINT resources_tenant_code_session_id_fkey' \
    'ALTER TABLE public.user_extensions' 'CREATE OR REPLACE TRIGGER tenantdeck_fill_mentoring' \
    'sessions: rows without codes, or with other codes than the mapping' \
    'PRIMARY KEY USING INDEX'; do
    like "$dry" "$part" "it prints: $part"
done
like "$dry" 'isolation: mentoring' 'what a person has to decide is listed, too'
like "$dry" 'Nothing mends this by itself, since that would decide' 'and said to be so'
unlike "$(td_on subject fix references:resources --dry-run)" 'CREATE INDEX|CREATE UNIQUE' 'one thing alone can be named'
exits 2 'what was not found wrong is no name' td_on subject fix nonsense
exits 4 'without a y nothing is changed' "$TENANTDECK" -d dbname=subject -p "$work/mentoring.plan" fix

# ---- mended ----

td_on subject fix indexes:availabilities >"$work/said"
is $? 1 'one of them is mended, and the validation after it finds the others'
is "$(td_ask subject "SELECT to_regclass('availabilities_tenant_code_user_id_start_time_idx') IS NOT NULL,
                             to_regclass('post_session_details_pkey') IS NULL")" 't|t' 'that one, and no other'
td_on subject fix >"$work/said"
ok $? 'all of them are mended, and validated' || td_note "$(grep -v ' info ' "$work/said" | tail -n 8)"
like "$(cat "$work/said")" '5 rows got the codes of the mapping' 'with the rows that had others'
td_ask subject 'DROP INDEX of_others' >/dev/null
{ td_schema subject && td_rows subject; } >"$work/after"
cmp -s "$work/whole" "$work/after"
ok $? 'definitions and rows are those of the migration' || td_note "$(diff "$work/whole" "$work/after" | head -n 20)"
td_on subject validate >"$work/said"
ok $? 'validate says so again'
td_ask subject 'DROP INDEX availabilities_tenant_code_user_id_start_time_idx' >/dev/null
td_on subject validate >/dev/null
td_on subject validate --fix-issues >"$work/said"
ok $? 'validate --fix-issues is the same' || td_note "$(tail -n 4 "$work/said")"
td_on subject rollback >"$work/said"
ok $? 'all of it is taken back' || td_note "$(grep -v ' info ' "$work/said" | tail -n 8)"
{ td_schema subject && td_rows subject; } >"$work/after"
cmp -s "$work/before" "$work/after"
ok $? 'to the definitions and rows of before, old values and all' || td_note "$(diff "$work/before" "$work/after" | head -n 20)"
is "$(td_leftovers subject)" '' 'and nothing is left over'
td_on subject validate >/dev/null
like "$(td_on subject fix)" "nothing of it can be mended" 'what was not migrated is not mended, but migrated'

# ---- rows that Citus has spread ----

# By a catalog that is made by hand: the statements are those that a cluster is sent.
td_fresh spread
td_on spread migrate --no-backup --window >"$work/said"
ok $? 'a migration of tables that are to be spread' || td_note "$(grep -v ' info ' "$work/said" | tail -n 5)"
said=$(td_ask spread "SET allow_system_table_mods = on;
    INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
    VALUES (90000, 'citus', 10, 11, false, '13.2-1');
    CREATE TABLE pg_catalog.pg_dist_partition AS
    SELECT a.attrelid::regclass AS logicalrelid, 'h'::\"char\" AS partmethod, a.attname AS partkey, 1 AS colocationid
      FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'r'
     WHERE c.relnamespace = 'public'::regnamespace AND a.attname = 'tenant_code';
    CREATE FUNCTION pg_catalog.column_to_column_name(regclass, name) RETURNS name LANGUAGE sql AS 'SELECT \$2'")
is "$said" '' 'Citus has them, as far as its catalog tells'
sed -i 's/^\[plan\]/[plan]\n    distribute = true/' "$work/mentoring.plan"
td_rows spread >"$work/whole"
said=$(td_ask spread "SET session_replication_role = replica;
    UPDATE session_attendees SET tenant_code = 'nobody' WHERE session_id IN (SELECT id FROM sessions ORDER BY id LIMIT 3);
    UPDATE sessions SET tenant_code = 'nobody' WHERE id IN (SELECT id FROM sessions ORDER BY id LIMIT 3);
    UPDATE feedbacks SET organization_code = 'nobody' WHERE id = (SELECT min(id) FROM feedbacks)")
is "$said" '' 'rows of another tenant, with their children, and one of another organization'
td_on spread validate >"$work/said"
is $? 1 'validate finds them'
dry=$(td_on spread fix --dry-run)
like "$dry" '^-- sessions: move rows to their tenants$' 'a dry run prints what moves them'
like "$dry" '^DELETE FROM public.sessions AS t USING tenantdeck_moved_' 'statement by statement'
unlike "$dry" ctid 'none of which asks where a row lies'
td_on spread fix >"$work/said"
ok $? 'they are moved, and validated' || td_note "$(grep -v ' info ' "$work/said" | tail -n 8)"
td_rows spread >"$work/after"
cmp -s "$work/whole" "$work/after"
ok $? 'and are what they were' || td_note "$(diff "$work/whole" "$work/after" | head -n 20)"
done_testing
