# migration.sh: what the tests of whole migrations share, after lib.sh: a directory with the plan and
# its mapping, the program on a database, and pictures of it that can be compared.

# td_prepare_migration: $work with the plans and data_codes.csv; state, logs and reports go there too.
td_prepare_migration() {
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    XDG_STATE_HOME=$work/state
    export XDG_STATE_HOME
    cp "$TD_SRCDIR"/data/plans/* "$work"
    td_codes >"$work/data_codes.csv"
}

# td_begin_migration SCALE: a server of its own, with the sample as database `pristine`, and all of the above.
td_begin_migration() {
    td_start_postgres
    td_load_demo "$1"
    td_prepare_migration
    psql -X -q -d postgres -c 'ALTER DATABASE mentoring RENAME TO pristine'
}

# The mapping of the sample's organizations, as demo_mentoring_codes answers it.
td_codes() {
    echo organization_id,organization_code,tenant_code
    psql -X -At -F, -c "$("$TENANTDECK" sql demo_mentoring_codes | sed '/^--/d')"
}

# td_on DATABASE WORDS...: the program on that database, with the plan in $work.
td_on() {
    td_database=$1
    shift
    (cd "$work" && "$TENANTDECK" -d "dbname=$td_database" ${TD_REDIS:+-r "$TD_REDIS"} -p ./mentoring.plan \
        --yes --confirm="$td_database" "$@" 2>&1)
}

# td_ask DATABASE SQL: one value, or what went wrong.
td_ask() {
    psql -X -q -At -v ON_ERROR_STOP=1 -d "$1" -c "$2" 2>&1
}

# The newest run of database `subject`: what state it is in, whether in this one, and whether it waits before
# this step.
td_run_state() {
    td_ask subject 'SELECT state FROM tenantdeck.run ORDER BY id DESC LIMIT 1'
}

td_state_is() {
    [ "$(td_run_state)" = "$1" ]
}

td_waits_before() {
    td_state_is held &&
        [ "$(td_ask subject 'SELECT name FROM tenantdeck.step WHERE throttled IS NOT NULL')" = "$1" ]
}

# td_fresh NAME: that database, as a copy of `pristine`.
td_fresh() {
    PGOPTIONS='-c client_min_messages=warning' psql -X -q -d postgres -c "DROP DATABASE IF EXISTS \"$1\" WITH (FORCE)" \
        -c "CREATE DATABASE \"$1\" TEMPLATE pristine" >/dev/null
}

# The definitions, as pg_dump writes them.
td_schema() {
    pg_dump --schema-only -N tenantdeck -d "$1" | grep -v '^\\\(un\)\{0,1\}restrict '
}

# Every table's rows, in an order that does not depend on where they lie.
td_rows() {
    td_ask "$1" "SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace
                    AND c.relkind = 'r' AND c.relname <> 'counted' ORDER BY 1" | while read -r td_table; do
        echo "$td_table $(td_ask "$1" "SELECT count(*), md5(string_agg(t::text, E'\n' ORDER BY t::text))
                                         FROM public.\"$td_table\" t")"
    done
}

# What a run must not leave behind.
td_leftovers() {
    td_ask "$1" "SELECT 'invalid index ' || indexrelid::regclass FROM pg_index WHERE NOT indisvalid
                 UNION ALL SELECT 'not valid ' || conname FROM pg_constraint WHERE NOT convalidated
                 UNION ALL SELECT 'prepared ' || gid FROM pg_prepared_xacts
                 UNION ALL SELECT 'session ' || application_name || ' ' || state FROM pg_stat_activity
                            WHERE datname = current_database() AND application_name LIKE 'tenantdeck%'
                 UNION ALL SELECT 'lock' FROM pg_locks l WHERE l.locktype = 'advisory'
                              AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
}

# td_no_worker DATABASE: its worker and the sessions of it have ended.
td_no_worker() {
    [ "$(td_ask "$1" "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
                         AND application_name LIKE 'tenantdeck%'")" = 0 ]
}
