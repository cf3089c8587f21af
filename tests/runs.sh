# runs.sh: databases with a run that stands still, for pictures of it; after lib.sh, with the sample in
# `mentoring`, and $work with mentoring.plan and its mapping. What a clock, a name or the machine would
# change from one time to the next is set to what it always is.

# td_run_on DATABASE WORDS...: the program on that database, without Redis, whatever it says.
td_run_on() {
    td_database=$1
    shift
    (cd "$work" && "$TENANTDECK" -d "dbname=$td_database" -p ./mentoring.plan --yes --confirm="$td_database" "$@") \
        >"$work/said" 2>&1
}

td_ask_run() {
    psql -X -q -At -v ON_ERROR_STOP=1 -d "$1" -c "$2" 2>&1
}

td_is_held() {
    [ "$(td_ask_run "$1" "SELECT count(*) FROM tenantdeck.run r JOIN tenantdeck.step s ON s.run = r.id
                           WHERE r.state = 'held' AND s.throttled IS NOT NULL")" = 1 ]
}

# The checks of a server tell of the server, and their number grows with each version.
td_settle_run() {
    td_ask_run "$1" "ALTER TABLE tenantdeck.event DISABLE TRIGGER ALL;
        DELETE FROM tenantdeck.event WHERE text NOT LIKE 'step %' AND text NOT LIKE 'waits: %'
                                       AND text NOT LIKE 'run %';
        DELETE FROM tenantdeck.finding WHERE check_group <> 'references' OR verdict = 'pass';
        UPDATE tenantdeck.step
           SET started_at = '2026-01-31T11:50:00Z'::timestamptz + ordinal * interval '10 s',
               ended_at = CASE WHEN ended_at IS NOT NULL
                               THEN '2026-01-31T11:50:05Z'::timestamptz + ordinal * interval '10 s' END
         WHERE started_at IS NOT NULL;
        UPDATE tenantdeck.step SET done = 12, total = 12 WHERE type = 'verify' AND done IS NOT NULL;
        UPDATE tenantdeck.run
           SET os_user = 'anna', host = 'bastion1', started_at = '2026-01-31T11:50:00Z',
               ended_at = CASE WHEN ended_at IS NOT NULL THEN '2026-01-31T11:55:00Z'::timestamptz END;
        UPDATE tenantdeck.finding SET at = '2026-01-31T11:56:00Z';
        UPDATE tenantdeck.event e SET at = '2026-01-31T11:50:00Z'::timestamptz + n.place * interval '1 s'
          FROM (SELECT id, row_number() OVER (ORDER BY id) AS place FROM tenantdeck.event) AS n
         WHERE n.id = e.id;
        ALTER TABLE tenantdeck.event ENABLE TRIGGER ALL" >"$work/said"
}

# As a worker leaves it in the middle of its fill; there is none that would go on. A run as short as this
# may have ended before its worker has noted at which pace it goes.
td_begin_fill() {
    td_ask_run "$1" "UPDATE tenantdeck.run SET state = 'running', ended_at = NULL;
        INSERT INTO tenantdeck.step (run, ordinal, name, type, state, started_at, done, total, rate)
        SELECT 1, 7, 'fill', 'batch', 'runs', '2026-01-31T11:58:00Z', 2600, 11750, 50;
        INSERT INTO tenantdeck.checkpoint (step, unit, part, rows, epoch)
        SELECT s.id, m.unit, m.part, m.rows, 1
          FROM tenantdeck.step s,
               (VALUES ('organization_extension', 'filled', 0), ('user_extensions', 'filled', 0),
                       ('sessions', 'pass 1 blocks 0-31', 900),
                       ('sessions', 'pass 1 blocks 32-63', 800)) AS m (unit, part, rows)
         WHERE s.name = 'fill';
        INSERT INTO tenantdeck.measure (run, unit, name, value) VALUES (1, '*', 'batch ms', 500), (1, '*', 'sleep', 0)
            ON CONFLICT (run, unit, name) DO NOTHING;
        UPDATE tenantdeck.lease SET run = 1, released_at = NULL;
        INSERT INTO tenantdeck.heartbeat (run, epoch, at) SELECT 1, 1, now() + interval '1 day'
            ON CONFLICT (run) DO UPDATE SET at = excluded.at" >"$work/said"
}

# With one lane the records of a run come in the same order each time.
# td_make_runs: databases held, filling_up, failed, migrated and undone. The worker of `held` waits until
# td_end_runs.
td_make_runs() {
    for td_state in held filling_up failed migrated undone; do
        psql -X -q -d postgres -c "CREATE DATABASE $td_state TEMPLATE mentoring" || return 1
    done
    td_ask_run failed "UPDATE public.availabilities SET organization_id = 'nowhere'
        WHERE id IN (SELECT id FROM public.availabilities ORDER BY id LIMIT 3)" >"$work/said"
    td_run_on failed migrate --no-backup && return 1
    td_run_on held migrate --no-backup --hold fill --detach && td_until 60 td_is_held held &&
        td_run_on filling_up migrate --no-backup --to columns && td_begin_fill filling_up &&
        td_run_on migrated migrate --no-backup --lanes 1 &&
        td_run_on undone migrate --no-backup && td_run_on undone rollback || return 1
    for td_state in held filling_up failed migrated undone; do
        td_settle_run "$td_state" || return 1
    done
}

td_end_runs() {
    td_run_on held stop
}
