-- Who waits for whom, and what the session in the way does. Asked of the lock table and of the server's
-- statistics alone; nobody is waited for, no table is touched. A role without pg_read_all_stats sees who
-- waits for whom, but not what the sessions of other roles do.

-- name: blockers_sample
-- The sessions that wait for a lock, and those they wait for. The longest 200 that wait are looked at: to
-- ask who blocks is dear where hundreds wait. Answers a row a session: id (its pid, or prepared:XID; prepared:? is not known which), pid (NULL: a prepared transaction), blocked_by (ids, with blanks between them; NULL: it waits
-- for nobody), mode (that it wants; of one that waits for nobody, that it holds), object, waited_ms,
-- transaction_ms and statement_ms (their age), started (when the session began; NULL: not shown to this
-- role), database, role, application, client, kind, state, query, ours (by its name a session of this
-- program), more (how many wait beside those 200).
WITH waiting AS MATERIALIZED ( -- a session waits for one lock at a time
    SELECT DISTINCT ON (l.pid) l.*
      FROM pg_locks l
     WHERE NOT l.granted AND l.pid <> pg_backend_pid()
     ORDER BY l.pid
), chosen AS MATERIALIZED (
    SELECT w.* FROM waiting w ORDER BY w.waitstart NULLS LAST, w.pid LIMIT 200
), edge AS MATERIALIZED ( -- a prepared transaction is pid 0
    SELECT c.pid AS waiter, b.pid AS blocker
      FROM chosen c
     CROSS JOIN LATERAL (SELECT DISTINCT u.pid FROM unnest(pg_blocking_pids(c.pid)) AS u (pid)) AS b
     WHERE b.pid <> c.pid
), grip AS MATERIALIZED ( -- what of a blocker's is in the way; who is only ahead in the queue holds nothing
    SELECT e.waiter, e.blocker, h.mode,
           CASE WHEN e.blocker <> 0 THEN e.blocker::text
                -- its other locks lead to it by a number that two of them may share
                ELSE 'prepared:' || coalesce(h.transactionid::text,
                     (SELECT CASE count(*) WHEN 1 THEN min(t.transactionid::text) END FROM pg_locks t
                       WHERE t.pid IS NULL AND t.locktype = 'transactionid' AND t.granted
                         AND t.virtualtransaction = h.virtualtransaction), '?') END AS id
      FROM edge e
      JOIN chosen w ON w.pid = e.waiter
      LEFT JOIN pg_locks h
             ON h.granted AND coalesce(h.pid, 0) = e.blocker AND h.locktype = w.locktype
            AND (h.database, h.relation, h.page, h.tuple, h.virtualxid, h.transactionid, h.classid,
                 h.objid, h.objsubid)
                IS NOT DISTINCT FROM
                (w.database, w.relation, w.page, w.tuple, w.virtualxid, w.transactionid, w.classid,
                 w.objid, w.objsubid)
), place AS MATERIALIZED ( -- what is waited for, in words; a row's relation is known from its tuple lock
    SELECT w.pid, w.waitstart,
           CASE w.locktype WHEN 'transactionid' THEN 'row' ELSE replace(w.mode, 'Lock', '') END AS mode,
           CASE WHEN w.relation IS NOT NULL AND w.database NOT IN (0, d.oid)
                THEN format('relation %s of database %s', w.relation,
                            coalesce((SELECT o.datname::text FROM pg_database o
                                       WHERE o.oid = w.database), w.database::text))
                WHEN w.locktype = 'transactionid'
                THEN coalesce((SELECT 'row of ' || t.relation::regclass FROM pg_locks t
                                WHERE t.pid = w.pid AND t.locktype = 'tuple' AND t.granted
                                  AND t.database = d.oid LIMIT 1),
                              'transaction ' || w.transactionid)
                WHEN w.locktype = 'tuple' THEN 'row of ' || w.relation::regclass
                WHEN w.relation IS NOT NULL THEN w.relation::regclass::text
                WHEN w.locktype = 'virtualxid' THEN 'the end of transaction ' || w.virtualxid
                WHEN w.locktype = 'advisory' THEN format('advisory lock %s %s', w.classid, w.objid)
                ELSE w.locktype END AS object
      FROM chosen w
      JOIN pg_database d ON d.datname = current_database()
), node AS (
    SELECT e.waiter::text AS id, e.waiter AS pid FROM edge e
     UNION
    SELECT g.id, nullif(g.blocker, 0) FROM grip g
), held AS ( -- the locks of one that waits for nobody, and what others want of it
    SELECT g.id,
           string_agg(DISTINCT CASE p.mode WHEN 'row' THEN 'row' ELSE replace(g.mode, 'Lock', '') END,
                      ' ') AS mode,
           (array_agg(p.object ORDER BY p.waitstart NULLS LAST))[1] AS object
      FROM grip g JOIN place p ON p.pid = g.waiter
     GROUP BY g.id
)
SELECT n.id, n.pid,
       (SELECT string_agg(DISTINCT g.id, ' ') FROM grip g WHERE g.waiter = n.pid) AS blocked_by,
       CASE WHEN p.pid IS NOT NULL THEN p.mode ELSE held.mode END AS mode,
       CASE WHEN p.pid IS NOT NULL THEN p.object ELSE held.object END AS object,
       (extract(epoch FROM clock_timestamp() - p.waitstart) * 1000)::bigint AS waited_ms,
       (extract(epoch FROM clock_timestamp() - coalesce(a.xact_start, x.prepared)) * 1000)::bigint
           AS transaction_ms,
       (extract(epoch FROM clock_timestamp() - a.query_start) * 1000)::bigint AS statement_ms,
       a.backend_start::text AS started,
       coalesce(a.datname, x.database)::text AS database,
       coalesce(a.usename, x.owner)::text AS role,
       a.application_name AS application,
       coalesce(host(a.client_addr), CASE WHEN a.state IS NOT NULL THEN 'local' END) AS client,
       CASE WHEN n.pid IS NULL THEN 'prepared transaction' ELSE a.backend_type END AS kind,
       coalesce(a.state, CASE WHEN n.pid IS NULL THEN 'prepared' END) AS state,
       coalesce(left(a.query, 4000), 'PREPARE TRANSACTION ' || quote_literal(x.gid)) AS query,
       coalesce(a.application_name LIKE 'tenantdeck %', false) AS ours,
       (SELECT count(*) FROM waiting) - (SELECT count(*) FROM chosen) AS more
  FROM node n
  LEFT JOIN place p ON p.pid = n.pid AND EXISTS (SELECT 1 FROM edge e WHERE e.waiter = n.pid)
  LEFT JOIN held ON held.id = n.id
  LEFT JOIN pg_stat_activity a ON a.pid = n.pid
  LEFT JOIN pg_prepared_xacts x ON n.pid IS NULL AND n.id = 'prepared:' || x.transaction
 ORDER BY p.waitstart, n.pid;

-- name: blockers_children
-- The connections that runs have open and that do not bear this program's name; and those of the commands
-- that a run has at work (pg_dump, npx, …), as long as its worker gives signs of life: what the server
-- still does for one that is gone may be ended by a person. Answers: pid, started, run.
SELECT c.pid, c.backend_start::text AS started, c.run
  FROM tenantdeck.child c
 WHERE c.kind = 'backend' AND c.ended_at IS NULL
 UNION ALL
SELECT a.pid, a.backend_start::text, c.run
  FROM tenantdeck.child c
  LEFT JOIN tenantdeck.heartbeat h ON h.run = c.run
  JOIN pg_stat_activity a ON starts_with(a.application_name, 'tenantdeck-child ')
       AND split_part(a.application_name, ' ', 2) = concat(c.pid, ':', c.start_ticks)
 WHERE c.kind = 'process' AND c.ended_at IS NULL
   AND greatest(h.at, c.intent_at) > clock_timestamp() - interval '15 seconds';

-- name: blockers_session
-- All that has to be known before session $1 is sent a signal. Answers no row (there is none) or one:
-- started, database, role, application, client, kind, state, query, statement (when it began),
-- transaction_ms, statement_ms, in_transaction, ours (by its name a session of this program, or this very one), prevents_wraparound,
-- behind (how many sessions wait for it), may_signal, needs (the right that is missing), locks (that it
-- holds, but for its transaction's own).
SELECT a.backend_start::text AS started,
       a.datname::text AS database,
       a.usename::text AS role,
       a.application_name AS application,
       coalesce(host(a.client_addr), CASE WHEN a.state IS NOT NULL THEN 'local' END) AS client,
       a.backend_type AS kind,
       a.state,
       left(a.query, 4000) AS query,
       a.query_start::text AS statement,
       (extract(epoch FROM clock_timestamp() - a.xact_start) * 1000)::bigint AS transaction_ms,
       (extract(epoch FROM clock_timestamp() - a.query_start) * 1000)::bigint AS statement_ms,
       a.xact_start IS NOT NULL AS in_transaction,
       a.application_name LIKE 'tenantdeck %' OR a.pid = pg_backend_pid() AS ours,
       a.backend_type = 'autovacuum worker'
           AND a.query LIKE '%(to prevent wraparound)%' AS prevents_wraparound,
       (SELECT count(DISTINCT l.pid) FROM pg_locks l
         WHERE NOT l.granted AND l.pid <> a.pid AND a.pid = ANY (pg_blocking_pids(l.pid))) AS behind,
       me.rolsuper
           OR (NOT coalesce(target.rolsuper, true)
               AND (pg_has_role(me.oid, target.oid, 'USAGE')
                    OR pg_has_role(me.oid, 'pg_signal_backend', 'USAGE')))
           OR (a.usesysid IS NULL AND a.backend_type = 'autovacuum worker'
               AND current_setting('server_version_num')::int >= 180000
               AND pg_has_role(me.oid, 'pg_signal_backend', 'USAGE')) AS may_signal,
       CASE WHEN coalesce(target.rolsuper, true)
            THEN 'only a superuser may end a session of a superuser or of the server'
            ELSE format('GRANT pg_signal_backend TO %I;', me.rolname) END AS needs,
       (SELECT count(*) FROM pg_locks l
         WHERE l.pid = a.pid AND l.granted AND l.locktype NOT IN ('virtualxid', 'transactionid'))
           AS locks
  FROM pg_stat_activity a
  JOIN pg_roles me ON me.rolname = current_user
  LEFT JOIN pg_roles target ON target.oid = a.usesysid
 WHERE a.pid = $1::integer;

-- name: blockers_cancel
-- Cancels the statement of session $1 that began at $2, and of no other: a pid is given to another
-- session as soon as its own has gone. Answers no row when it has; else sent.
SELECT pg_cancel_backend(a.pid) AS sent
  FROM pg_stat_activity a
 WHERE a.pid = $1::integer AND a.backend_start = $2::timestamptz
   AND a.pid <> pg_backend_pid() AND a.backend_type <> 'walsender'
   AND a.application_name NOT LIKE 'tenantdeck %';

-- name: blockers_terminate
-- Ends session $1 that began at $2, and no other. Answers no row when it has gone; else sent.
SELECT pg_terminate_backend(a.pid) AS sent
  FROM pg_stat_activity a
 WHERE a.pid = $1::integer AND a.backend_start = $2::timestamptz
   AND a.pid <> pg_backend_pid() AND a.backend_type <> 'walsender'
   AND a.application_name NOT LIKE 'tenantdeck %';

-- name: blockers_outcome
-- What has become of session $1 that began at $2. Answers no row when it is gone; else state, statement
-- (when its statement began), in_transaction, locks (that it holds, but for its transaction's own).
SELECT a.state,
       a.query_start::text AS statement,
       a.xact_start IS NOT NULL AS in_transaction,
       (SELECT count(*) FROM pg_locks l
         WHERE l.pid = a.pid AND l.granted AND l.locktype NOT IN ('virtualxid', 'transactionid'))
           AS locks
  FROM pg_stat_activity a
 WHERE a.pid = $1::integer AND a.backend_start = $2::timestamptz;

-- name: blockers_note
-- Notes in the log of the journal who sent a signal to whom, and what came of it. $1: the text.
INSERT INTO tenantdeck.event (severity, source, text) VALUES ('warn', 'blockers', $1);
