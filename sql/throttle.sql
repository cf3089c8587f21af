-- How busy the server is, asked while a run is under way.

-- name: throttle_look
-- All that decides whether run $1 may begin its next batch, in one row and without touching a table
-- of the application: wal_position (bytes), replicas (that replay), slowest (its name), replayed (up
-- to where), replay_lag_ms (as the server has it); archives, wal_segment and archived_segment
-- (numbers of WAL files); waiters (sessions that have waited for a lock of ours for more than a
-- second), waiter_pid, waited_ms; active (sessions at work). NULL: not known, or not shown to this
-- role (pg_read_all_stats).
WITH ours AS MATERIALIZED (
    SELECT coalesce(array_agg(a.pid), '{}') AS pids
      FROM pg_stat_activity a
     WHERE a.application_name LIKE 'tenantdeck %'
        OR EXISTS (SELECT 1 FROM tenantdeck.child c
                    WHERE c.run = $1::bigint AND c.kind = 'backend' AND c.ended_at IS NULL
                      AND c.pid = a.pid AND c.backend_start = a.backend_start)
), waiting AS MATERIALIZED ( -- the longest 50: to ask who blocks is dear where hundreds wait for others
    SELECT l.pid, l.waitstart
      FROM pg_locks l CROSS JOIN ours
     WHERE NOT l.granted AND l.waitstart < clock_timestamp() - interval '1 second'
       AND l.pid <> ALL (ours.pids)
     ORDER BY l.waitstart
     LIMIT 50
), waiter AS (
    SELECT w.pid, w.waitstart
      FROM waiting w CROSS JOIN ours
     WHERE pg_blocking_pids(w.pid) && ours.pids
), replica AS MATERIALIZED ( -- a logical subscriber has a slot, and replays when it likes
    SELECT r.application_name, r.replay_lsn, r.replay_lag
      FROM pg_stat_replication r
     WHERE r.pid NOT IN (SELECT s.active_pid FROM pg_replication_slots s
                          WHERE s.slot_type = 'logical' AND s.active_pid IS NOT NULL)
       AND (r.replay_lsn IS NOT NULL
            OR NOT pg_has_role(current_user, 'pg_read_all_stats', 'USAGE'))
), log AS MATERIALIZED (
    SELECT pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
                                ELSE pg_current_wal_lsn() END, '0/0')::bigint AS position,
           pg_size_bytes(current_setting('wal_segment_size')) AS segment_size
)
SELECT log.position AS wal_position,
       (SELECT count(*) FROM replica) AS replicas,
       (SELECT r.application_name FROM replica r
         ORDER BY r.replay_lsn NULLS LAST LIMIT 1) AS slowest,
       (SELECT pg_wal_lsn_diff(min(r.replay_lsn), '0/0')::bigint FROM replica r) AS replayed,
       (SELECT (extract(epoch FROM max(r.replay_lag)) * 1000)::bigint FROM replica r)
           AS replay_lag_ms,
       current_setting('archive_mode') <> 'off' AS archives,
       log.position / log.segment_size AS wal_segment,
       archived.segment AS archived_segment,
       (SELECT count(*) FROM waiter) AS waiters,
       (SELECT w.pid FROM waiter w ORDER BY w.waitstart LIMIT 1) AS waiter_pid,
       (SELECT (extract(epoch FROM clock_timestamp() - min(w.waitstart)) * 1000)::bigint
          FROM waiter w) AS waited_ms,
       CASE WHEN pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') THEN
           (SELECT count(*) FROM pg_stat_activity a CROSS JOIN ours
             WHERE a.state = 'active' AND a.backend_type = 'client backend'
               AND a.pid <> ALL (ours.pids)) END AS active
  FROM log
 CROSS JOIN LATERAL ( -- the last file that was archived, or the one before that which could not be
       SELECT ('x' || substr(n.name, 9, 8))::bit(32)::bigint * (4294967296 / log.segment_size)
              + ('x' || substr(n.name, 17, 8))::bit(32)::bigint - n.is_failed AS segment
         FROM pg_stat_archiver t
        CROSS JOIN LATERAL (
              SELECT coalesce(substring(t.last_archived_wal FROM '^[0-9A-F]{24}'),
                              substring(t.last_failed_wal FROM '^[0-9A-F]{24}')) AS name,
                     CASE WHEN t.last_archived_wal ~ '^[0-9A-F]{24}' THEN 0 ELSE 1 END
                         AS is_failed) AS n) AS archived;
