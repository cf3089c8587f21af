#!/bin/bash
# demo: the private servers come and go with the program however it ends, and the sample is what it
# says: the same rows for the same scale, clean unless dirt is asked for, and never loaded twice.
set -u
. "$(dirname "$0")/../lib.sh"

work=$(mktemp -d /tmp/demo-XXXXXX)
trap 'rm -rf "$work"' EXIT
export HOME=$work XDG_CONFIG_HOME=$work/config
# As root the servers have another user, and that one has to get in.
chmod 755 "$work"
export TMPDIR=$work/tmp
mkdir -m 1777 "$TMPDIR"
chmod 1777 "$TMPDIR"

# ---- the private servers ----

"$TENANTDECK" demo --scale 0.01 status --json >"$work/status" 2>"$work/errors"
is $? 0 'demo runs a verb on its own servers'
like "$(cat "$work/status")" '"environment": "DEMO"' 'they are labelled DEMO'
is "$(ls -A "$TMPDIR")" '' 'afterwards their directory is gone'

has_socket() {
    test -S "$TMPDIR"/tenantdeck-*/.s.PGSQL.5432
}

# Starts a demo that is still loading when we look, and waits until its servers answer. A script's
# background jobs would be deaf to SIGINT.
start_demo() {
    env --default-signal=INT "$TENANTDECK" demo --scale 5 status >"$work/out" 2>&1 &
    program=$!
    td_until 60 has_socket
    ok $? "$1: the servers are there"
    sweeper=$(pgrep -P $program -x tenantdeck-swee)
    guard=$(pgrep -P "$sweeper" -x tenantdeck-demo)
    mapfile -t servers < <(pgrep -P "$guard")
}

is_over() {
    local pid
    for pid in "$sweeper" "$guard" "${servers[@]}"; do
        ! kill -0 "$pid" || return
    done
    [ -z "$(ls -A "$TMPDIR")" ]
}

for signal in KILL TERM INT HUP; do
    start_demo "SIG$signal"
    is ${#servers[@]} 2 'there are two of them'
    is "$(stat -c %a "$TMPDIR"/tenantdeck-* | sort -u)" 700 'nobody else may enter their directories'
    if [ "$(id -u)" -eq 0 ]; then
        is "$(stat -c %U "$(dirname "$TMPDIR"/tenantdeck-*/.s.PGSQL.5432)")" postgres 'no server runs as root'
    else
        skip 'no server runs as root' 'we are not root'
    fi
    kill -s "$signal" $program
    td_until 30 is_over
    ok $? "after SIG$signal to the program no server and no directory is left"
    wait $program 2>/dev/null
done

start_demo 'the guard is killed'
kill -s KILL "$guard"
servers_are_gone() {
    ! kill -0 "${servers[0]}" && ! kill -0 "${servers[1]}"
}
td_until 30 servers_are_gone
ok $? 'even then no server is left'
kill -s KILL $program 2>/dev/null
wait $program 2>/dev/null
rm -rf "$TMPDIR"/tenantdeck-*

mkdir "$work/bin"
printf '#!/bin/sh\necho "a canary sings"\nexit 3\n' >"$work/bin/initdb"
chmod +x "$work/bin/initdb"
PATH=$work/bin:$PATH "$TENANTDECK" demo status >"$work/out" 2>&1
is $? 1 'a cluster that cannot be made is a failure'
like "$(cat "$work/out")" 'initdb.*a canary sings' 'with the end of the log of who failed'
is "$(ls -A "$TMPDIR")" '' 'and nothing is left'
TENANTDECK_DATADIR=$work "$TENANTDECK" demo status >"$work/out" 2>&1
is $? 1 'a plan that is not installed is a failure'
like "$(cat "$work/out")" "$work/plans/mentoring.plan" 'that says which one'

# ---- the clean sample ----

td_start_postgres
td_start_redis
load() {
    "$TENANTDECK" -d "$TD_DATABASE" -r "$TD_REDIS" --operator --yes demo load "$@" 2>&1
}
td_load_demo 0.1

is "$(td_psql "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace
                  AND relkind = 'r'")" 32 'there are 32 tables'
is "$(td_psql "SELECT count(*) FROM pg_attribute WHERE attname ~ '^(tenant|organization)_code$'")" \
    0 'no column knows of a tenant'
is "$(td_psql "SELECT count(*) FROM pg_constraint WHERE contype = 'f'")" 0 \
    'there is no foreign key'
is "$(td_psql "SELECT (SELECT count(*) FROM sessions), (SELECT count(*) FROM session_attendees),
                      (SELECT count(*) FROM feedbacks)")" '2000|6000|1500' 'scale 0.1 is a tenth'
is "$(td_psql "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace
                  AND relkind IN ('r', 'm') AND reltuples < 0")" 0 'all of it has estimates'
is "$(td_psql "SELECT setval('sessions_id_seq', nextval('sessions_id_seq') - 1)")" 2000 \
    'the next session gets the next number'

codes=$("$TENANTDECK" sql demo_mentoring_codes)
is "$(td_psql "CREATE VIEW pg_temp.x AS $codes" | head -n 1)" '' 'the mapping is a query'
# The views that the questions below want, in each session anew.
ask() {
    psql -X -q -At -v ON_ERROR_STOP=1 -d "$TD_DATABASE" 2>&1 <<SQL
CREATE TEMPORARY VIEW codes AS ${codes%;};
CREATE TEMPORARY VIEW users AS
SELECT u.user_id, u.organization_id, c.tenant_code
  FROM user_extensions u LEFT JOIN codes c USING (organization_id);
$1
SQL
}
is "$(ask "SELECT count(*), count(DISTINCT organization_code), count(DISTINCT tenant_code),
                  bool_and(tenant_code ~ '^[a-z_][a-z0-9_]{0,24}\$') FROM codes")" '20|20|6|t' \
    '20 organizations in 6 tenants, with codes that will do for names'
is "$(ask "SELECT organization_code, tenant_code FROM codes WHERE organization_id = '1'")" \
    'default_org|default_tenant' 'organization 1 is the default'

# Rows that have no tenant, or another one than what they belong to; named, with their number.
defects() {
    ask "
SELECT 'unmapped ' || t.kind, count(*)
  FROM (SELECT 'users', organization_id FROM user_extensions
        UNION ALL SELECT 'organizations', organization_id FROM organization_extension
        UNION ALL SELECT 'forms', organization_id FROM forms
        UNION ALL SELECT 'reports', organization_id FROM reports
        UNION ALL SELECT 'report queries', organization_id FROM report_queries
        UNION ALL SELECT 'availabilities', organization_id FROM availabilities
        UNION ALL SELECT 'entity types', organization_id FROM entity_types)
           AS t (kind, organization_id)
 WHERE NOT EXISTS (SELECT FROM codes c WHERE c.organization_id = t.organization_id) GROUP BY 1
UNION ALL
SELECT 'sessions of ' || coalesce(created_by, 'nobody'), count(*) FROM sessions s
 WHERE NOT EXISTS (SELECT FROM users u WHERE u.user_id = s.created_by AND tenant_code IS NOT NULL)
 GROUP BY 1
UNION ALL
SELECT t.kind || ' of no session', count(*)
  FROM (SELECT 'attendees', session_id FROM session_attendees
        UNION ALL SELECT 'feedbacks', session_id FROM feedbacks
        UNION ALL SELECT 'details', session_id FROM post_session_details
        UNION ALL SELECT 'resources', session_id FROM resources) AS t (kind, session_id)
 WHERE NOT EXISTS (SELECT FROM sessions s WHERE s.id = t.session_id) GROUP BY 1
UNION ALL
SELECT t.kind || ' of no user', count(*)
  FROM (SELECT 'attendees', mentee_id FROM session_attendees
        UNION ALL SELECT 'feedbacks', user_id FROM feedbacks
        UNION ALL SELECT 'questions', created_by FROM questions
        UNION ALL SELECT 'question sets', created_by FROM question_sets) AS t (kind, user_id)
 WHERE NOT EXISTS (SELECT FROM users u WHERE u.user_id = t.user_id) GROUP BY 1
UNION ALL
SELECT t.kind || ' of another tenant', count(*)
  FROM (SELECT 'attendees', mentee_id, session_id FROM session_attendees
        UNION ALL SELECT 'feedbacks', user_id, session_id FROM feedbacks
        UNION ALL SELECT 'resources', created_by, session_id FROM resources)
           AS t (kind, user_id, session_id)
  JOIN sessions s ON s.id = t.session_id
  JOIN users owner ON owner.user_id = s.mentor_id
  JOIN users u ON u.user_id = t.user_id
 WHERE u.tenant_code <> owner.tenant_code GROUP BY 1
UNION ALL
SELECT 'connections across', count(*) FROM connections c
  JOIN users a ON a.user_id = c.user_id JOIN users b ON b.user_id = c.friend_id
 WHERE a.tenant_code <> b.tenant_code HAVING count(*) > 0
UNION ALL
SELECT 'entities of no type', count(*) FROM entities e
 WHERE NOT EXISTS (SELECT FROM entity_types t WHERE t.id = e.entity_type_id) HAVING count(*) > 0
UNION ALL
SELECT 'entities of 0 elsewhere', count(*) FROM entities e
  JOIN entity_types t ON t.id = e.entity_type_id
 WHERE e.created_by = '0' AND t.organization_id <> '1' HAVING count(*) > 0
UNION ALL
SELECT 'questions that are not there', count(*)
  FROM question_sets, unnest(questions) AS q WHERE NOT EXISTS
       (SELECT FROM questions WHERE id::text = q) HAVING count(*) > 0
UNION ALL
SELECT 'permissions that are not there', count(*) FROM role_permission_mapping m WHERE NOT EXISTS
       (SELECT FROM permissions p WHERE p.id = m.permission_id) HAVING count(*) > 0
UNION ALL
SELECT 'twice in a tenant: ' || kind, sum(n - 1)
  FROM (SELECT 'availability ids', tenant_code, id::text, count(*)
          FROM availabilities JOIN codes USING (organization_id) GROUP BY 2, 3
        UNION ALL
        SELECT 'availability names', tenant_code, event_name, count(*)
          FROM availabilities JOIN codes USING (organization_id) GROUP BY 2, 3
        UNION ALL
        SELECT 'form ids', tenant_code, id::text, count(*)
          FROM forms JOIN codes USING (organization_id) GROUP BY 2, 3
        UNION ALL
        SELECT 'attendee ids', tenant_code, id::text, count(*)
          FROM session_attendees JOIN users ON user_id = mentee_id GROUP BY 2, 3
        UNION ALL
        SELECT 'requests', requestor_id, requestee_id, count(*) FROM session_request GROUP BY 2, 3)
           AS t (kind, tenant_code, value, n)
 WHERE n > 1 GROUP BY 1
ORDER BY 1;"
}
is "$(defects)" '' 'the clean sample has no defect'
is "$(ask "SELECT count(*) > 0 FROM entities WHERE created_by = '0'")" t \
    "entities of the system are made by '0', as the service's seed does it"

# ---- the keys ----

is "$(td_redis dbsize)" "$(td_psql "SELECT count(*) FROM ($("$TENANTDECK" sql demo_mentoring_keys |
    sed 's/;$//')) AS k")" 'Redis has a key for each row of the query'
ttl=$(td_redis ttl sessions:shikshalokam:upcoming)
[ "$ttl" -gt 7000 ] && [ "$ttl" -le 7200 ]
ok $? 'upcoming sessions are kept for two hours'
is "$(td_redis ttl bull:mentoring-queue:1)" -1 'jobs have no end'
is "$(td_redis get org:elevate:details)" '{"organization_id" : "3"}' 'values are there'

# ---- once and again ----

before=$(td_psql 'SELECT count(*), max(xmin::text::bigint) FROM sessions')
said=$(load)
is $? 4 'a second load is refused'
like "$said" 'not empty' 'since the database is not empty'
is "$(td_psql 'SELECT count(*), max(xmin::text::bigint) FROM sessions')" "$before" \
    'and nothing was changed'
createdb other
TD_DATABASE=${TD_DATABASE/mentoring/other}
said=$(load)
is $? 4 'a Redis with keys is refused, too'
is "$(td_psql "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace")" 0 \
    'and no table was made'

# All rows of all tables, as one number.
fingerprint() {
    td_psql "SELECT md5(string_agg(query_to_xml(format('SELECT * FROM %s AS t ORDER BY t::text',
                    oid::regclass), true, true, '')::text, '' ORDER BY relname))
               FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
}
{ "$TENANTDECK" sql demo_mentoring_schema; "$TENANTDECK" sql demo_mentoring_data; } |
    psql -X -q -v ON_ERROR_STOP=1 -v scale=0.1 -v dirty=false -d "$TD_DATABASE" >"$work/psql" 2>&1
is $? 0 'psql loads the sample alone'
by_psql=$(fingerprint)
TD_DATABASE=${TD_DATABASE/other/mentoring}
is "$(fingerprint)" "$by_psql" 'and its rows are those that the program has loaded'

# ---- the dirty sample ----

createdb dirty
TD_DATABASE=${TD_DATABASE/mentoring/dirty}
td_redis flushall >"$work/flushed"
td_load_demo 0.1 dirty
is "$(defects)" "attendees of another tenant|120
attendees of no session|6
attendees of no user|4
details of no session|3
entities of 0 elsewhere|30
entities of no type|4
feedbacks of no session|2
feedbacks of no user|3
permissions that are not there|1
question sets of no user|2
questions of no user|8
questions that are not there|1
resources of another tenant|2
resources of no session|2
sessions of 0|8
sessions of 990001|5
sessions of nobody|12
twice in a tenant: attendee ids|1
twice in a tenant: availability ids|1
twice in a tenant: availability names|1
twice in a tenant: form ids|1
twice in a tenant: requests|2
unmapped forms|2
unmapped organizations|1
unmapped report queries|1
unmapped reports|2
unmapped users|15" 'the dirty sample has the defects that its text names'

# ---- the servers of the tests ----

td_stop
[ ! -e "$PGHOST" ] && [ ! -e "$TD_REDIS_SOCKET" ]
ok $? 'the servers of this script can be ended by it'

done_testing
