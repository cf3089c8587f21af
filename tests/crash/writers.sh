#!/bin/sh
# The application goes on writing while the online migration runs, is taken back and runs again: rows
# without codes, rows that change, deadlocks in reverse order, users who move to another organization.
# Taken back, the definitions are those of before; in the end every row is right.
. "$(dirname "$0")/../lib.sh"
. "$TD_SRCDIR/tests/migration.sh"
pgbench=$(td_pg_program pgbench)
[ -n "$pgbench" ] || {
    skip 'writers beside the migration' 'there is no pgbench'
    done_testing
    exit
}
td_start_postgres
td_load_demo 0.3
td_prepare_migration
psql -X -q -d postgres -c 'ALTER DATABASE mentoring RENAME TO pristine'
td_fresh subject
before=$(td_ask subject 'SELECT count(*) FROM session_attendees')

cat >"$work/writer.sql" <<'SQL'
\set user random(1, 500)
\set session random(1, 6000)
\set other random(1, 6000)
\set organization random(1, 20)
INSERT INTO sessions (title, image, time_zone, start_date, end_date, mentor_organization_id, created_at,
                      updated_at, created_by)
SELECT 'written meanwhile', '{}', 'UTC', 1, 2, '1', now(), now(), u.user_id
  FROM user_extensions u ORDER BY u.user_id OFFSET :user % (SELECT count(*) FROM user_extensions) LIMIT 1;
INSERT INTO session_attendees (mentee_id, session_id, time_zone, created_at, updated_at)
SELECT 'writer ' || nextval('writer'), s.id, 'UTC', now(), now() FROM sessions s WHERE s.id = :session;
BEGIN;
UPDATE sessions SET title = title WHERE id = :session;
UPDATE sessions SET title = title WHERE id = :other;
END;
UPDATE session_attendees SET is_feedback_skipped = true WHERE session_id = :session;
UPDATE user_extensions SET organization_id = :organization
 WHERE user_id = (SELECT u.user_id FROM user_extensions u ORDER BY u.user_id OFFSET :user % 97 LIMIT 1)
   AND :user < 4;
SQL
like "$(td_on subject migrate --dry-run | grep -m 1 'CREATE OR REPLACE TRIGGER')" 'tenantdeck_requeue_mentoring' \
    'who moves is noted from before the first row is filled by a trigger'
td_ask subject 'CREATE SEQUENCE writer'
td_schema subject >"$work/schema"
(cd "$work" && exec "$pgbench" -n -c 4 -R 200 -T 600 -f writer.sql --max-tries=5 -d subject) >"$work/pgbench" 2>&1 &
writers=$!
is_written() {
    [ "$(td_ask subject "SELECT count(*) > 20 FROM sessions WHERE title = 'written meanwhile'")" = t ]
}
td_until 60 is_written || td_bail "the writers do not write: $(cat "$work/pgbench")"
td_on subject migrate --no-backup >"$work/said"
ok $? 'the migration comes to its end beside the writers' || td_note "$(tail -n 6 "$work/said")"
td_on subject rollback >"$work/said"
ok $? 'so does the way back' || td_note "$(tail -n 6 "$work/said")"
td_schema subject | diff "$work/schema" - >"$work/differs"
ok $? 'after which nothing is defined otherwise than before' || td_note "$(head -n 10 "$work/differs")"
td_on subject migrate --no-backup >"$work/said"
ok $? 'and the migration once more' || td_note "$(tail -n 6 "$work/said")"
kill -TERM "$writers" 2>/dev/null
wait "$writers"
is "$(grep -cE 'ERROR' "$work/pgbench")" 0 'no writer got an error' || td_note "$(grep ERROR "$work/pgbench" | sort | uniq -c | head -n 5)"
is "$(td_ask subject "SELECT count(*) > $before FROM session_attendees")" t 'and they wrote meanwhile'
td_on subject run release >"$work/said"
ok $? 'release settles what moved since' || td_note "$(tail -n 4 "$work/said")"
is "$(td_ask subject 'SELECT count(*) FROM sessions WHERE tenant_code IS NULL')" 0 'no session lacks its codes'
is "$(td_ask subject 'SELECT count(*) FROM session_attendees WHERE tenant_code IS NULL')" 0 'and no attendee'
is "$(td_ask subject "SELECT count(*) FROM sessions s LEFT JOIN user_extensions u ON u.user_id = s.created_by
                        LEFT JOIN tenantdeck.mapping m ON m.key = u.organization_id
                       WHERE s.tenant_code IS DISTINCT FROM COALESCE(m.tenant_code, 'default_tenant')")" 0 \
    'every session has the tenant that its author has now'
is "$(td_ask subject "SELECT count(*) FROM session_attendees a JOIN sessions s ON s.id = a.session_id
                       WHERE a.tenant_code IS DISTINCT FROM s.tenant_code")" 0 'and every attendee that of the session'
td_on subject validate >"$work/said"
ok $? 'validate agrees' || td_note "$(tail -n 6 "$work/said")"

done_testing
