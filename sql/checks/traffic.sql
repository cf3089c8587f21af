-- Who else is on the server: sessions and their locks, replicas, archive, subscribers. Asked of the
-- catalog and of the server's own statistics; nobody is waited for. What the server does not tell this
-- role is 'unknown', with what would let it tell.

-- name: check_traffic
-- Weighs who is there, and who follows, before plan $1 (as JSON) begins in mode $2, 'online' or
-- 'window'. Answers one row a check, as check_preflight does; every verdict is known at once, so
-- query is always NULL.
WITH given AS MATERIALIZED (
    SELECT p.doc, $2::text = 'window' AS is_window,
           p.doc ->> 'schema' AS schema, n.oid AS schema_oid,
           current_user AS role, d.datname AS database, d.oid AS database_oid,
           CASE WHEN NOT pg_is_in_recovery() THEN pg_current_wal_lsn() END AS lsn,
           pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS sees_all
      FROM (SELECT $1::jsonb AS doc) AS p
      JOIN pg_database d ON d.datname = current_database()
      LEFT JOIN pg_namespace n ON n.nspname = p.doc ->> 'schema'
), planned AS MATERIALIZED ( -- the plan's tables that are there
    SELECT t.place, c.oid, c.relname::text AS name, format('%I.%I', n.nspname, c.relname) AS quoted,
           c.relreplident, c.relfrozenxid
      FROM given
     CROSS JOIN jsonb_array_elements(given.doc -> 'tables') WITH ORDINALITY AS t (doc, place)
      JOIN pg_class c ON c.relnamespace = given.schema_oid AND c.relname = t.doc ->> 'name'
                     AND c.relkind IN ('r', 'p')
      JOIN pg_namespace n ON n.oid = c.relnamespace
), session AS MATERIALIZED ( -- others that are connected to this database
    -- Of other roles' sessions a role without pg_read_all_stats sees who, and not what. A backend
    -- without a role is one of the server's own, as autovacuum's are. Citus has such as well: its
    -- daemon, and the connections that serve a session of another node.
    SELECT a.pid, a.usename::text AS role, a.application_name AS application,
           a.usesysid IS NULL
           OR EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')
              AND (coalesce(starts_with(a.backend_type, 'Citus Maintenance Daemon'), false)
                   OR starts_with(a.application_name, 'citus_internal')) AS is_server,
           coalesce(host(a.client_addr), CASE WHEN a.state IS NOT NULL THEN 'local' END) AS host,
           a.state, a.query, a.xact_start, a.state_change,
           date_trunc('second', clock_timestamp() - a.xact_start) AS xact_age,
           given.sees_all OR a.state IS NOT NULL AS is_seen
      FROM pg_stat_activity a
      JOIN given ON given.database = a.datname
     WHERE a.pid <> pg_backend_pid() AND coalesce(a.application_name NOT LIKE 'tenantdeck %', true)
), held AS MATERIALIZED ( -- locks that others have on the plan's tables
    SELECT DISTINCT p.name, l.mode, l.pid, l.virtualtransaction
      FROM pg_locks l
      JOIN given ON given.database_oid = l.database
      JOIN planned p ON p.oid = l.relation
     WHERE l.locktype = 'relation' AND l.granted
       AND (l.pid IS NULL OR l.pid IN (SELECT pid FROM session))
)

-- ---- who is there ----

, hidden AS (
    SELECT count(*) FILTER (WHERE NOT s.is_seen AND NOT s.is_server) AS number,
           format('GRANT pg_read_all_stats TO %I;', max(given.role)) AS fix
      FROM given LEFT JOIN session s ON true
), sight AS (
    SELECT 30 AS place, 'sessions' AS check_group, 'sight' AS check_name, role::text AS subject,
           'warn' AS severity, CASE WHEN sees_all THEN 'pass' ELSE 'warn' END AS verdict,
           hidden.number AS count,
           CASE WHEN sees_all THEN format('''%s'' sees what other sessions do', role)
                ELSE format('''%s'' does not see what other roles'' sessions, the server''s own '
                            'and the replicas do', role) END AS message,
           NULL::jsonb AS samples, NULL::text AS query,
           CASE WHEN NOT sees_all THEN hidden.fix END AS fix
      FROM given CROSS JOIN hidden
), long_session AS ( -- waits for an answer of its client, or has worked for long
    SELECT s.*, s.state LIKE 'idle in transaction%' AS is_idle,
           (SELECT string_agg(DISTINCT h.name, ', ') FROM held h WHERE h.pid = s.pid) AS tables
      FROM session s
     WHERE NOT s.is_server
       AND CASE WHEN s.state LIKE 'idle in transaction%'
                THEN s.state_change < clock_timestamp() - interval '5 seconds'
                ELSE s.xact_start < clock_timestamp() - interval '1 minute' END
), long_transactions AS (
    SELECT 31, 'sessions', 'long transactions', given.database::text, 'warn',
           CASE WHEN count(s.pid) > 0 THEN 'warn' WHEN max(hidden.number) > 0 THEN 'unknown'
                ELSE 'pass' END,
           CASE WHEN count(s.pid) > 0 OR max(hidden.number) = 0 THEN count(s.pid) END,
           CASE WHEN count(s.pid) > 0
                THEN format('%s transactions are open for long, the oldest for %s: changes of '
                            'definitions and index builds wait for them, and rows cannot be cleaned '
                            'up', count(s.pid), max(s.xact_age))
                WHEN max(hidden.number) > 0
                THEN format('%s sessions do not tell how long their transaction has been open',
                            max(hidden.number))
                ELSE 'no transaction has been open for long' END,
           jsonb_path_query_array(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
               'pid', s.pid, 'role', s.role, 'application', s.application, 'host', s.host,
               'age', s.xact_age::text, 'state', s.state, 'locks', s.tables,
               'query', left(s.query, 200))) ORDER BY s.xact_start)
               FILTER (WHERE s.pid IS NOT NULL), '$[0 to 4]'),
           NULL::text,
           CASE WHEN count(s.pid) > 0
                THEN 'ask who they belong to; pg_cancel_backend(pid) ends a statement, '
                     'pg_terminate_backend(pid) a session'
                WHEN max(hidden.number) > 0 THEN max(hidden.fix) END
      FROM given CROSS JOIN hidden LEFT JOIN long_session s ON true
     GROUP BY given.database
), prepared AS ( -- they have no session, hold their locks, and never end by themselves
    SELECT 32, 'sessions', 'prepared transactions', given.database::text, 'error',
           CASE WHEN count(x.tables) > 0 THEN 'fail' WHEN count(x.gid) > 0 THEN 'warn'
                ELSE 'pass' END, count(x.gid),
           CASE WHEN count(x.gid) > 0
                THEN format('%s transactions are prepared and wait for somebody''s word, %s of them '
                            'with locks on tables of the plan; the oldest since %s',
                            count(x.gid), count(x.tables),
                            to_char(min(x.prepared), 'YYYY-MM-DD HH24:MI:SS'))
                ELSE 'no transaction is prepared' END,
           jsonb_path_query_array(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
               'gid', x.gid, 'role', x.owner, 'since', x.prepared, 'locks', x.tables))
               ORDER BY x.prepared) FILTER (WHERE x.gid IS NOT NULL), '$[0 to 4]'),
           NULL::text,
           'each by its owner, one of the two: ' || string_agg(
               format('COMMIT PREPARED %L; ROLLBACK PREPARED %L;', x.gid, x.gid), ' '
               ORDER BY x.prepared) FILTER (WHERE x.gid IS NOT NULL)
      FROM given
      LEFT JOIN LATERAL (
           SELECT w.gid, w.owner, w.prepared,
                  (SELECT string_agg(DISTINCT h.name, ', ')
                     FROM held h
                     JOIN pg_locks own ON own.locktype = 'transactionid' AND own.pid IS NULL
                                      AND own.virtualtransaction = h.virtualtransaction
                    WHERE h.pid IS NULL AND own.transactionid = w.transaction) AS tables
             FROM pg_prepared_xacts w
            WHERE w.database = given.database) AS x ON true
     GROUP BY given.database
), dumps AS (
    SELECT 33, 'sessions', 'running dumps', given.database::text, 'warn',
           CASE WHEN count(s.pid) > 0 THEN 'warn' ELSE 'pass' END, count(s.pid),
           CASE WHEN count(s.pid) > 0
                THEN format('%s sessions of a dump or restore are at work, whose locks no change of '
                            'a definition gets past; whatever waits for it makes others wait',
                            count(s.pid))
                ELSE 'no dump is running' END,
           jsonb_path_query_array(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
               'pid', s.pid, 'role', s.role, 'application', s.application, 'host', s.host,
               'age', s.xact_age::text)) ORDER BY s.xact_start)
               FILTER (WHERE s.pid IS NOT NULL), '$[0 to 4]'),
           NULL::text, CASE WHEN count(s.pid) > 0 THEN 'wait until it is over' END
      FROM given
      LEFT JOIN session s ON s.application IN ('pg_dump', 'pg_dumpall', 'pg_restore')
     GROUP BY given.database
), vacuuming AS ( -- one that prevents wraparound does not give way to anybody
    SELECT 34, 'sessions', 'autovacuum', given.schema, 'warn',
           CASE WHEN count(v.pid) > 0 OR count(due.name) > 0 THEN 'warn' ELSE 'pass' END,
           count(v.pid),
           CASE WHEN count(v.pid) > 0
                THEN format('autovacuum works on %s tables of the plan%s', count(v.pid),
                            CASE WHEN bool_or(v.prevents_wraparound)
                                 THEN ', on one at least to prevent wraparound: that gives way to '
                                      'nobody'
                                 WHEN bool_or(v.is_hidden)
                                 THEN '; whether it is to prevent wraparound, and so gives way to '
                                      'nobody, cannot be seen by this role'
                                 ELSE '; it gives way when it is waited for' END)
                WHEN count(due.name) > 0
                THEN format('%s tables of the plan are so old that autovacuum will come at any '
                            'moment to prevent wraparound, and gives way to nobody', count(due.name))
                ELSE 'autovacuum works on no table of the plan' END,
           jsonb_path_query_array(jsonb_agg(coalesce(v.sample, to_jsonb(due.name)) ORDER BY p.place)
               FILTER (WHERE v.sample IS NOT NULL OR due.name IS NOT NULL), '$[0 to 4]'),
           NULL::text,
           CASE WHEN count(v.pid) > 0 THEN 'wait until it is through'
                ELSE string_agg(format('VACUUM (FREEZE) %s;', p.quoted), ' ' ORDER BY p.place)
                         FILTER (WHERE due.name IS NOT NULL) END
      FROM given
      LEFT JOIN planned p ON true
      LEFT JOIN LATERAL (
           SELECT s.pid, s.query LIKE '%(to prevent wraparound)' AS prevents_wraparound,
                  NOT s.is_seen AS is_hidden,
                  jsonb_strip_nulls(jsonb_build_object('pid', s.pid, 'table', p.name,
                                                       'age', s.xact_age::text, 'query', s.query))
                      AS sample
             FROM held h JOIN session s ON s.pid = h.pid AND s.is_server
            WHERE h.name = p.name AND h.mode = 'ShareUpdateExclusiveLock'
            LIMIT 1) AS v ON true
      LEFT JOIN LATERAL (
           SELECT p.name
            WHERE age(p.relfrozenxid) > current_setting('autovacuum_freeze_max_age')::bigint
           ) AS due ON v.pid IS NULL
     GROUP BY given.schema
), busy_tables AS ( -- VACUUM, ANALYZE, CREATE INDEX, ALTER TABLE, LOCK TABLE of somebody
    SELECT 35, 'sessions', 'locked tables', given.schema, 'warn',
           CASE WHEN count(b.sample) > 0 THEN 'warn' ELSE 'pass' END, count(b.sample),
           CASE WHEN count(b.sample) > 0
                THEN format('%s tables of the plan are locked by other sessions so that we would '
                            'wait', count(DISTINCT b.name))
                ELSE 'nobody has a strong lock on a table of the plan' END,
           jsonb_path_query_array(jsonb_agg(b.sample ORDER BY b.name)
                                  FILTER (WHERE b.sample IS NOT NULL), '$[0 to 4]'),
           NULL::text,
           CASE WHEN count(b.sample) > 0 THEN 'wait until they are through' END
      FROM given
      LEFT JOIN LATERAL (
           SELECT h.name,
                  jsonb_strip_nulls(jsonb_build_object(
                      'table', h.name, 'lock', h.mode, 'pid', s.pid, 'role', s.role,
                      'application', s.application, 'query', left(s.query, 200))) AS sample
             FROM held h JOIN session s ON s.pid = h.pid AND NOT s.is_server
            WHERE h.mode NOT IN ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock')
           ) AS b ON true
     GROUP BY given.schema
), application AS ( -- nobody of the application may be there when tables are locked for long
    SELECT 36, 'sessions', 'application', given.database::text, 'error',
           CASE WHEN NOT given.is_window THEN 'pass' WHEN count(s.pid) > 0 THEN 'fail'
                ELSE 'pass' END,
           CASE WHEN given.is_window THEN count(s.pid) END,
           CASE WHEN NOT given.is_window
                THEN 'the migration runs online, so the application may stay'
                WHEN count(s.pid) > 0
                THEN format('%s other sessions are still there: %s', count(s.pid),
                            (SELECT string_agg(format('%s as ''%s'' (%s)', n.application, n.role,
                                                      n.number), ', ')
                               FROM (SELECT coalesce(nullif(application, ''), 'unnamed')
                                                AS application, role, count(*) AS number
                                       FROM session WHERE NOT is_server
                                      GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT 5) AS n))
                ELSE 'no other session is there' END,
           CASE WHEN given.is_window THEN
               jsonb_path_query_array(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
                   'pid', s.pid, 'role', s.role, 'application', s.application, 'host', s.host,
                   'state', s.state, 'since', s.state_change)) ORDER BY s.application, s.pid)
                   FILTER (WHERE s.pid IS NOT NULL), '$[0 to 4]') END,
           NULL::text,
           CASE WHEN given.is_window AND count(s.pid) > 0
                THEN 'stop the application, its jobs and its pooler' END
      FROM given
      LEFT JOIN session s ON given.is_window AND NOT s.is_server
     GROUP BY given.database, given.is_window
)

-- ---- replicas, archive, subscribers ----

, slots AS (
    SELECT 40, 'replication', 'slots', given.database::text, 'warn',
           CASE WHEN count(s.slot_name) FILTER (WHERE s.is_lost) > 0 THEN 'fail'
                WHEN count(s.slot_name) > 0 THEN 'warn' ELSE 'pass' END, count(s.slot_name),
           CASE WHEN count(s.slot_name) > 0
                THEN format('%s replication slots are used by nobody and keep %s of WAL%s',
                            count(s.slot_name),
                            coalesce(pg_size_pretty(max(s.kept)), 'an unknown amount'),
                            CASE WHEN current_setting('max_slot_wal_keep_size') = '-1'
                                 THEN '; all that the migration writes will be kept as well, until '
                                      'the disk is full' ELSE '' END)
                ELSE 'no replication slot is left without a user' END,
           jsonb_path_query_array(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
               'slot', s.slot_name, 'type', s.slot_type, 'keeps', pg_size_pretty(s.kept),
               'state', s.wal_status)) ORDER BY s.kept DESC)
               FILTER (WHERE s.slot_name IS NOT NULL), '$[0 to 4]'),
           NULL::text,
           'if it is not needed any more: '
               || string_agg(format('SELECT pg_drop_replication_slot(%L);', s.slot_name), ' '
                             ORDER BY s.kept DESC) FILTER (WHERE s.slot_name IS NOT NULL)
      FROM given
      LEFT JOIN LATERAL (
           SELECT r.slot_name, r.slot_type, r.wal_status,
                  r.wal_status IN ('unreserved', 'lost') AS is_lost,
                  greatest(pg_wal_lsn_diff(given.lsn, r.restart_lsn), 0) AS kept
             FROM pg_replication_slots r
            WHERE NOT r.active AND NOT r.temporary) AS s ON true
     GROUP BY given.database
), replicas AS ( -- pg_basebackup and the like replay nothing
    SELECT 41, 'replication', 'lag', given.database::text, 'warn',
           CASE WHEN count(r.pid) = 0 THEN 'pass' WHEN NOT given.sees_all THEN 'unknown'
                WHEN bool_or(r.is_late) THEN 'warn' ELSE 'pass' END,
           CASE WHEN given.sees_all OR count(r.pid) = 0 THEN count(r.pid) FILTER (WHERE r.is_late) END,
           CASE WHEN count(r.pid) = 0 THEN 'no replica is connected'
                WHEN NOT given.sees_all
                THEN format('%s replicas are connected; ''%s'' does not see how far they are',
                            count(r.pid), given.role)
                WHEN bool_or(r.is_late)
                THEN format('%s of %s replicas are behind, the last one by %s (%s)',
                            count(r.pid) FILTER (WHERE r.is_late), count(r.pid),
                            coalesce(date_trunc('second', max(r.replay_lag))::text,
                                     'an unknown time'), pg_size_pretty(max(r.behind)))
                ELSE format('%s replicas follow', count(r.pid)) END,
           jsonb_path_query_array(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
               'pid', r.pid, 'replica', r.application_name, 'host', host(r.client_addr),
               'state', r.state, 'sync', r.sync_state, 'lag', r.replay_lag::text,
               'behind', pg_size_pretty(r.behind))) ORDER BY r.behind DESC)
               FILTER (WHERE r.pid IS NOT NULL), '$[0 to 4]'),
           NULL::text,
           CASE WHEN count(r.pid) = 0 THEN NULL
                WHEN NOT given.sees_all THEN format('GRANT pg_read_all_stats TO %I;', given.role)
                WHEN bool_or(r.is_late)
                THEN 'find out what holds them up; the fill waits while the limit of its throttle '
                     'is passed' END
      FROM given
      LEFT JOIN LATERAL (
           SELECT w.*, pg_wal_lsn_diff(given.lsn, w.replay_lsn) AS behind,
                  w.replay_lag > interval '10 seconds'
                  OR pg_wal_lsn_diff(given.lsn, w.replay_lsn) > 268435456 AS is_late
             FROM pg_stat_replication w
            WHERE w.replay_lsn IS NOT NULL OR NOT given.sees_all) AS r ON true
     GROUP BY given.database, given.sees_all, given.role
), synchronous AS ( -- with nobody to confirm, the first commit would wait for ever
    SELECT 42, 'replication', 'synchronous standbys', given.database::text, 'error',
           CASE WHEN NOT wanted THEN 'pass' WHEN NOT given.sees_all THEN 'unknown'
                WHEN s.number = 0 THEN 'fail' ELSE 'pass' END,
           CASE WHEN wanted AND given.sees_all THEN s.number END,
           CASE WHEN NOT wanted THEN 'a commit waits for no standby'
                WHEN NOT given.sees_all
                THEN format('a commit waits for a standby; ''%s'' does not see whether one is there',
                            given.role)
                WHEN s.number = 0
                THEN format('a commit waits for a standby of ''%s'', and none is connected: the '
                            'first batch would hang', current_setting('synchronous_standby_names'))
                ELSE format('every batch waits for a standby to confirm it (%s)', s.names) END,
           NULL::jsonb, NULL::text,
           CASE WHEN NOT wanted THEN NULL
                WHEN NOT given.sees_all THEN format('GRANT pg_read_all_stats TO %I;', given.role)
                WHEN s.number = 0
                THEN 'bring the standby back, or ALTER SYSTEM SET synchronous_standby_names = ''''; '
                     'SELECT pg_reload_conf();' END
      FROM given
     CROSS JOIN LATERAL (
           SELECT current_setting('synchronous_standby_names') <> ''
                  AND current_setting('synchronous_commit') NOT IN ('off', 'local')) AS w (wanted)
     CROSS JOIN LATERAL (
           SELECT count(*) AS number, string_agg(application_name, ', ') AS names
             FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')) AS s
), archive AS (
    SELECT 43, 'replication', 'archive', given.database::text, 'error',
           CASE WHEN a.is_off THEN 'pass' WHEN a.does_nothing THEN 'warn' WHEN a.fails THEN 'fail'
                WHEN a.waiting > 50 THEN 'warn' ELSE 'pass' END,
           CASE WHEN NOT a.is_off THEN greatest(a.waiting, 0) END,
           CASE WHEN a.is_off THEN 'WAL is not archived'
                WHEN a.does_nothing THEN 'WAL is to be archived, and no command or library is set: '
                                         'it is kept until the disk is full'
                WHEN a.fails
                THEN format('archiving fails, the last time at %s with %s; about %s files wait',
                            to_char(a.last_failed_time, 'YYYY-MM-DD HH24:MI:SS'),
                            a.last_failed_wal, coalesce(greatest(a.waiting, 0)::text, 'unknown many'))
                WHEN a.waiting > 50 THEN format('about %s WAL files wait for the archiver', a.waiting)
                WHEN a.waiting IS NULL THEN 'WAL is archived; nothing has been since the counters '
                                            'were reset'
                ELSE 'WAL is archived, and the archiver follows' END,
           NULL::jsonb, NULL::text,
           CASE WHEN a.is_off OR a.waiting <= 50 AND NOT a.fails AND NOT a.does_nothing THEN NULL
                WHEN a.does_nothing THEN 'set archive_command or archive_library, or archive_mode '
                                         'off'
                WHEN a.fails THEN 'see the server''s log for what the archive command says' END
      FROM given
     CROSS JOIN LATERAL (
           SELECT current_setting('archive_mode') = 'off' AS is_off,
                  current_setting('archive_mode') <> 'off'
                  AND current_setting('archive_command') IN ('', '(disabled)')
                  AND coalesce(current_setting('archive_library', true), '') = '' AS does_nothing,
                  coalesce(t.last_failed_time > t.last_archived_time,
                           t.last_failed_time IS NOT NULL) AS fails,
                  t.last_failed_wal, t.last_failed_time,
                  div(pg_wal_lsn_diff(given.lsn, '0/0'),
                      pg_size_bytes(current_setting('wal_segment_size')))::bigint
                  - done.segment - 1 AS waiting
             FROM pg_stat_archiver t
            CROSS JOIN LATERAL ( -- number of the file that was archived last, out of its name
                  SELECT ('x' || substr(n.name, 9, 8))::bit(32)::bigint * 4294967296
                             / pg_size_bytes(current_setting('wal_segment_size'))
                         + ('x' || substr(n.name, 17, 8))::bit(32)::bigint AS segment
                    FROM (SELECT substring(t.last_archived_wal FROM '^[0-9A-F]{24}') AS name) AS n
                  ) AS done) AS a
), publications AS ( -- a subscriber without the columns stops at the first row that has them
    SELECT 44, 'replication', 'publications', given.schema, 'error',
           CASE WHEN count(b.name) FILTER (WHERE b.cannot_update) > 0 THEN 'fail'
                WHEN count(b.name) > 0 THEN 'warn' ELSE 'pass' END, count(b.name),
           CASE WHEN count(b.name) FILTER (WHERE b.cannot_update) > 0
                THEN format('%s published tables of the plan have no replica identity: an UPDATE of '
                            'them is refused', count(b.name) FILTER (WHERE b.cannot_update))
                WHEN count(b.name) > 0
                THEN format('%s tables of the plan are published; a subscriber whose tables lack '
                            'the new columns stops', count(b.name))
                ELSE 'no table of the plan is published' END,
           jsonb_path_query_array(jsonb_agg(to_jsonb(b.name || ': ' || b.publications)
               ORDER BY b.cannot_update DESC, b.place) FILTER (WHERE b.name IS NOT NULL), '$[0 to 4]'),
           NULL::text,
           coalesce(string_agg(format('ALTER TABLE %s REPLICA IDENTITY FULL;', b.quoted), ' '
                               ORDER BY b.place) FILTER (WHERE b.cannot_update),
                    CASE WHEN count(b.name) > 0
                         THEN 'add the columns at the subscribers first' END)
      FROM given
      LEFT JOIN LATERAL (
           SELECT p.place, p.name, p.quoted, string_agg(t.pubname, ', ') AS publications,
                  bool_or(u.pubupdate)
                  AND CASE p.relreplident WHEN 'n' THEN true WHEN 'f' THEN false
                           ELSE NOT EXISTS (SELECT 1 FROM pg_index i
                                             WHERE i.indrelid = p.oid
                                               AND CASE p.relreplident WHEN 'd' THEN i.indisprimary
                                                        ELSE i.indisreplident END) END
                      AS cannot_update
             FROM planned p
             JOIN pg_publication_tables t ON t.schemaname = given.schema AND t.tablename = p.name
             JOIN pg_publication u ON u.pubname = t.pubname
            GROUP BY p.place, p.name, p.quoted, p.oid, p.relreplident) AS b ON true
     GROUP BY given.schema
), subscriptions AS ( -- what arrives is written as by a replica, which fires no common trigger
    SELECT 45, 'replication', 'subscriptions', given.schema, 'warn',
           CASE WHEN count(s.name) > 0 THEN 'warn' ELSE 'pass' END, count(s.name),
           CASE WHEN count(s.name) > 0
                THEN format('%s tables of the plan get rows by a subscription: the trigger that '
                            'fills new rows does not see those', count(s.name))
                ELSE 'no table of the plan gets rows by a subscription' END,
           jsonb_path_query_array(jsonb_agg(to_jsonb(s.name || ': ' || s.subscription)
               ORDER BY s.place) FILTER (WHERE s.name IS NOT NULL), '$[0 to 4]'),
           NULL::text,
           string_agg(DISTINCT format('ALTER SUBSCRIPTION %I DISABLE;', s.subscription), ' ')
               FILTER (WHERE s.name IS NOT NULL)
      FROM given
      LEFT JOIN LATERAL (
           SELECT p.place, p.name, u.subname AS subscription
             FROM planned p
             JOIN pg_subscription_rel r ON r.srrelid = p.oid
             JOIN pg_subscription u ON u.oid = r.srsubid AND u.subenabled) AS s ON true
     GROUP BY given.schema
)

SELECT f.check_group, f.check_name, f.subject, f.severity, f.verdict, f.count, f.message, f.samples,
       f.query, f.fix
  FROM (SELECT * FROM sight UNION ALL SELECT * FROM long_transactions
         UNION ALL SELECT * FROM prepared UNION ALL SELECT * FROM dumps
         UNION ALL SELECT * FROM vacuuming UNION ALL SELECT * FROM busy_tables
         UNION ALL SELECT * FROM application UNION ALL SELECT * FROM slots
         UNION ALL SELECT * FROM replicas UNION ALL SELECT * FROM synchronous
         UNION ALL SELECT * FROM archive UNION ALL SELECT * FROM publications
         UNION ALL SELECT * FROM subscriptions) AS f
 ORDER BY f.place, f.subject;
