#!/bin/sh
# The whole migration on real servers: there, validated, taken back to an identical database, and there
# again; beside the application and in a window; refused where it must be.
. "$(dirname "$0")/../lib.sh"
. "$TD_SRCDIR/tests/migration.sh"
td_start_postgres
td_start_redis
td_load_demo 0.05
td_prepare_migration
psql -X -q -d postgres -c 'ALTER DATABASE mentoring RENAME TO pristine'
td_schema pristine >"$work/schema"
td_rows pristine >"$work/rows"

# Settings of a database that bend what literals say, and how the catalog writes definitions.
bend() {
    for setting in standard_conforming_strings=off backslash_quote=on quote_all_identifiers=on \
        transform_null_equals=on array_nulls=off "datestyle='SQL, DMY'" intervalstyle=sql_standard \
        bytea_output=escape extra_float_digits=-15 default_transaction_read_only=on; do
        psql -X -q -d postgres -c "ALTER DATABASE subject SET $setting"
    done
}

for mode in --online --window; do
    td_fresh subject
    [ "$mode" = --online ] || bend
    td_on subject migrate --no-backup $mode >"$work/said"
    ok $? "$mode: the migration comes to its end" || td_note "$(tail -n 8 "$work/said")"
    is "$(td_ask subject "SELECT state FROM tenantdeck.run ORDER BY id DESC LIMIT 1")" 'done' \
        "$mode: and says so"
    is "$(td_ask subject "SELECT count(*) FROM tenantdeck.finding WHERE verdict = 'fail'")" 0 \
        "$mode: no check failed"
    is "$(td_leftovers subject)" '' "$mode: nothing is left over"

    # What it should have done, asked in our own words.
    is "$(td_ask subject "SELECT count(*) FROM session_attendees a LEFT JOIN sessions s ON s.id = a.session_id
                           WHERE (a.tenant_code, a.organization_code) IS DISTINCT FROM (s.tenant_code, s.organization_code)")" 0 \
        "$mode: every attendee has the codes of the session"
    is "$(td_ask subject "SELECT count(*) FROM sessions s LEFT JOIN user_extensions u ON u.user_id = s.created_by
                            LEFT JOIN tenantdeck.mapping m ON m.key = u.organization_id
                           WHERE s.tenant_code IS DISTINCT FROM COALESCE(m.tenant_code, 'default_tenant')")" 0 \
        "$mode: every session has the tenant of its author's organization"
    is "$(td_ask subject "SELECT string_agg(a.attname, ',' ORDER BY k.n) FROM pg_index i,
                           unnest(i.indkey) WITH ORDINALITY AS k (attnum, n), pg_attribute a
                           WHERE i.indrelid = 'session_attendees'::regclass AND i.indisprimary
                             AND a.attrelid = i.indrelid AND a.attnum = k.attnum")" 'tenant_code,id' \
        "$mode: the primary key begins with the tenant"
    is "$(td_ask subject "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND convalidated
                             AND connamespace = 'public'::regnamespace")" 4 "$mode: four foreign keys hold"
    is "$(td_ask subject "SELECT count(*) FROM (SELECT updated_at FROM sessions ORDER BY id) s
                           WHERE updated_at > now() - interval '10 minutes'")" \
        "$(td_ask pristine "SELECT count(*) FROM sessions WHERE updated_at > now() - interval '10 minutes'")" \
        "$mode: updated_at is as it was"

    is "$(td_ask subject "SELECT string_agg(DISTINCT s.name, ' ' ORDER BY s.name) FROM tenantdeck.child c
            JOIN tenantdeck.step s ON s.id = c.step WHERE c.command = 'work'")" \
        "$([ "$mode" = --online ] && echo confirm || echo confirm fill) indexes integrity keys$(
            [ "$mode" = --online ] || echo ' not-null') validate" \
        "$mode: what is built or read goes over a second connection, too"
    td_on subject validate >"$work/said"
    ok $? "$mode: validate says that it is right"
    td_on subject migrate --no-backup $mode >"$work/said"
    ok $? "$mode: once more finds everything done" || td_note "$(tail -n 5 "$work/said")"

    mv "$work/data_codes.csv" "$work/gone.csv"
    td_on subject rollback >"$work/said"
    ok $? "$mode: all of it is taken back, mapping file or not" || td_note "$(tail -n 8 "$work/said")"
    mv "$work/gone.csv" "$work/data_codes.csv"
    is "$(td_on subject status steps | grep -E '^(mapping|integrity|columns|fill|confirm|keys|validate) .*✓')" '' \
        "$mode: and none of its steps is shown as done"
    psql -X -q -d postgres -c "ALTER DATABASE subject RESET ALL"
    td_schema subject >"$work/schema.after"
    cmp -s "$work/schema" "$work/schema.after"
    ok $? "$mode: the definitions are those of before, byte for byte" ||
        td_note "$(diff "$work/schema" "$work/schema.after" | head -n 20)"
    td_rows subject >"$work/rows.after"
    cmp -s "$work/rows" "$work/rows.after"
    ok $? "$mode: and so is every row" || td_note "$(diff "$work/rows" "$work/rows.after")"
    is "$(td_leftovers subject)" '' "$mode: and nothing is left over"
    td_on subject validate >"$work/said"
    is $? 1 "$mode: validate then says that it is not migrated"

    td_on subject migrate --no-backup $mode >"$work/said"
    ok $? "$mode: and there again" || td_note "$(tail -n 8 "$work/said")"
done

# ---- a part of it ----

td_fresh subject
like "$(td_on subject run fill)" "comes after 'preflight', which has not been done" \
    'a step out of order is refused, with the reason'
like "$(td_on subject run nonsense)" "has no step 'nonsense'" 'a step that does not exist as well'
td_on subject migrate --no-backup --to columns >"$work/said"
ok $? 'migrate --to ends after that step'
is "$(td_ask subject "SELECT count(*) FROM sessions WHERE tenant_code IS NOT NULL")" 0 'and no further'
td_on subject run fill >"$work/said"
ok $? 'the next step can be run by itself' || td_note "$(cat "$work/said")"
td_on subject rollback --to mapping >"$work/said"
ok $? 'rollback --to leaves what was before' || td_note "$(tail -n 5 "$work/said")"
td_schema subject >"$work/schema.after"
cmp -s "$work/schema" "$work/schema.after"
ok $? 'the definitions are those of before'
is "$(td_ask subject 'SELECT count(*) > 0 FROM tenantdeck.mapping')" t 'and the mapping is still there'

# ---- how large a batch is ----

batches() {
    td_fresh subject
    td_on subject migrate --no-backup --to fill --lanes 1 "$@" >"$work/said"
    td_ask subject "SELECT count(*) FROM tenantdeck.checkpoint WHERE unit = 'session_attendees'"
}
short=$(batches --batch-ms 1) long=$(batches --batch-ms 60000)
[ "$short" -gt "$long" ]
ok $? "--batch-ms makes short batches, and so more of them ($short, not $long)"
is "$(td_ask subject "SELECT count(*) FROM tenantdeck.child WHERE command = 'work' AND step IS NOT NULL")" 0 \
    '--lanes 1 also asks the checks one by one'
td_on subject rollback >"$work/said"

# ---- data that stays ----

td_on subject migrate --no-backup >"$work/said"
td_on subject rollback --preserve-data >"$work/said"
ok $? 'rollback --preserve-data' || td_note "$(tail -n 5 "$work/said")"
is "$(td_ask subject 'SELECT count(*) FROM sessions WHERE tenant_code IS NULL')" 0 'keeps the codes'
is "$(td_ask subject "SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'tenantdeck%'")" 0 \
    'and takes back the triggers'

# ---- a dry run ----

td_fresh subject
td_schema subject >"$work/before"
td_on subject migrate --no-backup --dry-run >"$work/dry"
ok $? 'a dry run prints what would be sent'
td_schema subject >"$work/after"
cmp -s "$work/before" "$work/after" && [ "$(td_ask subject "SELECT to_regnamespace('tenantdeck') IS NULL")" = t ]
ok $? 'and changes nothing, not even the journal'
td_on subject --verbose migrate --no-backup >"$work/sent"
missing=$(sed -n 's/^\(CREATE UNIQUE INDEX CONCURRENTLY .*\);$/\1/p' "$work/dry" | while IFS= read -r statement; do
    cat "$work"/state/tenantdeck/log/*.log "$work/sent" | grep -qF "$statement" || echo "$statement"
done)
is "$missing" '' 'what it printed is what was sent'

done_testing
