-- What a worker says to the journal: it claims a plan, notes steps, checkpoints, events, findings and
-- undo records, gives a sign of life, and reads what people ask of it.
--
-- The plan's lease is the fence. Whoever claims it raises its epoch; every transaction of a worker
-- locks the row FOR SHARE and matches the epoch it knows, so one that wakes up after its lease was
-- taken commits nothing.

-- ---- claiming a plan ----

-- name: run_try_lock
-- The runner's lock of plan $1: held by one session at a time, until that session ends. It holds no
-- snapshot, so that CREATE INDEX CONCURRENTLY does not wait for it. Answers: got, pid and
-- backend_start of this session.
SELECT pg_try_advisory_lock(hashtextextended('tenantdeck plan ' || $1, 0)) AS got,
       a.pid,
       a.backend_start::text AS backend_start
  FROM pg_stat_activity a
 WHERE a.pid = pg_backend_pid();

-- name: run_unlock
-- Gives the runner's lock of plan $1 back.
SELECT pg_advisory_unlock(hashtextextended('tenantdeck plan ' || $1, 0));

-- name: run_holder
-- Who has the lease of plan $1. Answers no row (it is free) or one: run, who, since (as text), host,
-- pid, silent_ms (since its last heartbeat, or since it claimed), locks (its lock session is there).
SELECT l.run,
       r.os_user || '@' || r.host AS who,
       to_char(l.claimed_at, 'YYYY-MM-DD HH24:MI:SS') || ' UTC' AS since,
       l.host,
       l.pid,
       (extract(epoch FROM clock_timestamp() - greatest(h.at, l.claimed_at)) * 1000)::bigint
           AS silent_ms,
       EXISTS (SELECT 1 FROM pg_stat_activity a
                WHERE a.pid = l.backend_pid AND a.backend_start = l.backend_start) AS locks
  FROM tenantdeck.lease l
  JOIN tenantdeck.run r ON r.id = l.run
  LEFT JOIN tenantdeck.heartbeat h ON h.run = l.run
 WHERE l.plan = $1;

-- name: run_end_lock
-- Ends the lock session of the worker that has the lease of plan $1, after a person has asked for the
-- takeover. Only that one: pid and start must agree.
SELECT pg_terminate_backend(a.pid)
  FROM tenantdeck.lease l
  JOIN pg_stat_activity a ON a.pid = l.backend_pid AND a.backend_start = l.backend_start
 WHERE l.plan = $1 AND a.pid <> pg_backend_pid();

-- name: run_claim
-- Claims the lease of plan $1 for run $2, by process $4 on host $3, whose lock session is $5 and
-- began at $6. Waits for a batch that is just committing. Answers the new epoch.
INSERT INTO tenantdeck.lease AS l (plan, epoch, run, host, pid, backend_pid, backend_start)
VALUES ($1, 1, $2::bigint, $3, $4::integer, $5::integer, $6::timestamptz)
ON CONFLICT (plan) DO UPDATE
   SET epoch = l.epoch + 1, run = excluded.run, host = excluded.host, pid = excluded.pid,
       backend_pid = excluded.backend_pid, backend_start = excluded.backend_start,
       claimed_at = clock_timestamp(), released_at = NULL
RETURNING epoch;

-- name: run_lock_again
-- After a lost connection the runner's lock is held by another session of the same worker: $3 and its
-- start $4 are noted with the lease of plan $1, if its epoch is still $2. No row: it was taken.
UPDATE tenantdeck.lease
   SET backend_pid = $3::integer, backend_start = $4::timestamptz
 WHERE plan = $1 AND epoch = $2::bigint
RETURNING epoch;

-- name: run_give_back
-- Gives the lease of plan $1 back, if its epoch is still $2.
UPDATE tenantdeck.lease
   SET run = NULL, host = NULL, pid = NULL, backend_pid = NULL, backend_start = NULL,
       released_at = clock_timestamp()
 WHERE plan = $1 AND epoch = $2::bigint;

-- name: run_fence
-- Begins every transaction of a worker: matches the epoch $2 of plan $1 and holds it until the end.
-- No row: the lease was taken, and nothing may be written.
SELECT l.epoch FROM tenantdeck.lease l WHERE l.plan = $1 AND l.epoch = $2::bigint FOR SHARE;

-- name: run_epoch_is
-- Is the epoch of plan $1 still $2? Asked before each pipeline to Redis, which no transaction fences.
SELECT EXISTS (SELECT 1 FROM tenantdeck.lease l WHERE l.plan = $1 AND l.epoch = $2::bigint) AS held;

-- name: run_backends_alive
-- How many backends of earlier workers of plan $1 are still there. Answers: alive.
SELECT count(*) AS alive
  FROM tenantdeck.child c
  JOIN tenantdeck.run r ON r.id = c.run
  JOIN tenantdeck.plan p ON p.id = r.plan AND p.name = $1
  JOIN pg_stat_activity a ON a.pid = c.pid AND a.backend_start = c.backend_start
 WHERE c.kind = 'backend' AND c.ended_at IS NULL;

-- name: run_old_backends
-- Ends the backends that earlier workers of plan $1 have left at work, and only those: pid and start
-- must agree. Answers how many are still there.
WITH ours AS (
    SELECT c.id, a.pid
      FROM tenantdeck.child c
      JOIN tenantdeck.run r ON r.id = c.run
      JOIN tenantdeck.plan p ON p.id = r.plan AND p.name = $1
      JOIN pg_stat_activity a ON a.pid = c.pid AND a.backend_start = c.backend_start
     WHERE c.kind = 'backend' AND c.ended_at IS NULL AND a.pid <> pg_backend_pid()
), ended AS (
    UPDATE tenantdeck.child c SET ended_at = greatest(clock_timestamp(), c.intent_at)
      FROM tenantdeck.run r
      JOIN tenantdeck.plan p ON p.id = r.plan AND p.name = $1
     WHERE r.id = c.run AND c.kind = 'backend' AND c.ended_at IS NULL
       AND NOT EXISTS (SELECT 1 FROM ours o WHERE o.id = c.id)
)
SELECT count(*) AS alive, count(*) FILTER (WHERE pg_terminate_backend(pid)) AS told FROM ours;

-- name: run_old_children
-- Commands that earlier workers of plan $1 began and whose end nobody has seen. Answers: id, run,
-- pid, host, boot_id, start_ticks, command.
SELECT c.id, c.run, c.pid, c.host, c.boot_id::text AS boot_id, c.start_ticks, c.command
  FROM tenantdeck.child c
  JOIN tenantdeck.run r ON r.id = c.run
  JOIN tenantdeck.plan p ON p.id = r.plan AND p.name = $1
 WHERE c.kind = 'process' AND c.ended_at IS NULL
 ORDER BY c.id;

-- name: run_backend
-- Notes this backend as one of run $1, step $2 (NULL: of the whole run), for what $3 says.
INSERT INTO tenantdeck.child (run, step, kind, pid, backend_start, command)
SELECT $1::bigint, $2::bigint, 'backend', a.pid, a.backend_start, $3
  FROM pg_stat_activity a
 WHERE a.pid = pg_backend_pid();

-- name: run_begin
-- Opens a transaction of the worker; run_fence follows.
BEGIN ISOLATION LEVEL READ COMMITTED;

-- name: run_lock_timeout
-- How long this session waits for a lock: $1 milliseconds, but as long as it takes where statement $2
-- (NULL: any) builds or drops an index beside others' work. That lets reads and writes through, and
-- waits at its end for transactions of before: who gave up then would throw away the whole index.
SELECT set_config('lock_timeout',
                  CASE WHEN $2 ~ '^(CREATE (UNIQUE )?|DROP )INDEX CONCURRENTLY ' THEN '0' ELSE $1 END, false);

-- name: run_commit
-- Ends it: rows, checkpoint and undo records are there together.
COMMIT;

-- name: run_rollback
-- Gives it up: nothing of it is there.
ROLLBACK;

-- ---- runs and steps ----

-- name: run_plan
-- The version of a plan, by its hash $2; the first time it is kept. $1 name, $3 kind, $4 title, $5
-- the file, $6 the same as JSON. Answers its id.
WITH kept AS (
    INSERT INTO tenantdeck.plan (name, hash, kind, title, text, document)
    VALUES ($1, $2, $3, $4, $5, $6::jsonb)
    ON CONFLICT (hash) DO NOTHING
    RETURNING id
)
SELECT id FROM kept
 UNION ALL
SELECT p.id FROM tenantdeck.plan p WHERE p.hash = $2
 LIMIT 1;

-- name: run_plan_before
-- The version of plan $1 that was run last: a rollback goes by it when the files of the plan are no
-- longer what they were, or no longer there. Answers: id (NULL: it never ran).
SELECT max(r.plan) AS id
  FROM tenantdeck.run r
  JOIN tenantdeck.plan p ON p.id = r.plan AND p.name = $1;

-- name: run_resumable
-- The newest run of plan $1 in this generation, if it did not come to its end: a resume goes on with
-- it when plan version $2, verb $3 and mode $4 (NULL: any) are the same. A rollback and a fix begin anew: what
-- is left to do stands in the undo records and in the catalog, and the steps may be others this time. Answers no row
-- or one: id, state, mode, options, same (it can be resumed), who, verb.
SELECT r.id, r.state, r.mode, r.options::text AS options, r.verb,
       r.plan = $2::bigint AND r.verb = $3 AND r.verb NOT IN ('rollback', 'fix') AND ($4::text IS NULL OR r.mode = $4::text) AS same,
       r.os_user || '@' || r.host AS who
  FROM tenantdeck.run r
  JOIN tenantdeck.plan p ON p.id = r.plan AND p.name = $1
  JOIN tenantdeck.meta m ON m.generation = r.generation
 WHERE r.verb NOT IN ('validate', 'preflight', 'report')
   AND r.id = (SELECT max(n.id) FROM tenantdeck.run n
                 JOIN tenantdeck.plan q ON q.id = n.plan AND q.name = $1
                WHERE n.verb NOT IN ('validate', 'preflight', 'report'))
   AND r.state NOT IN ('done', 'undone');

-- name: run_last_mode
-- How plan $1 was migrated last in this generation: what is looked at or taken back afterwards goes by
-- the same. Answers no row or one: mode.
SELECT r.mode
  FROM tenantdeck.run r
  JOIN tenantdeck.plan p ON p.id = r.plan AND p.name = $1
  JOIN tenantdeck.meta m ON m.generation = r.generation
 WHERE r.verb = 'migrate' OR r.verb LIKE 'run %'
 ORDER BY r.id DESC
 LIMIT 1;

-- ---- what a question was asked about ----

-- name: token_ground
-- Where a question is asked: as which role, in which database of which server (by its own identity,
-- where it is told), and whether that is a standby. Answers: ground.
SELECT concat_ws(' ', 'role', quote_ident(current_user), 'database', quote_ident(d.datname), d.oid,
                 'server', CASE WHEN has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')
                                THEN substring(query_to_xml('SELECT system_identifier FROM '
                                                            'pg_catalog.pg_control_system()',
                                                            false, false, '')::text
                                               FROM '<system_identifier>(-?\d+)<')
                                ELSE 'unknown' END,
                 CASE WHEN pg_is_in_recovery() THEN 'standby' END) AS ground
  FROM pg_database d
 WHERE d.datname = current_database();

-- name: token_steps
-- How far plan $1 is: the epoch of its lease, which each claim raises, and a digest of the last word
-- about each step. Answers: steps.
SELECT COALESCE((SELECT l.epoch FROM tenantdeck.lease l WHERE l.plan = $1), 0) || ' '
       || COALESCE((SELECT md5(string_agg(last.name || ' ' || last.state, ',' ORDER BY last.name))
                      FROM (SELECT DISTINCT ON (s.name) s.name, s.state
                              FROM tenantdeck.step s
                              JOIN tenantdeck.run r ON r.id = s.run
                              JOIN tenantdeck.plan p ON p.id = r.plan AND p.name = $1
                             ORDER BY s.name, s.run DESC) AS last), '') AS steps;

-- name: outlook_mode
-- The mode in which verb $2 of plan $1 would run when none is named: that of the run that it would go on
-- with, or, for what is not migrate, of the last migration. Answers no row or one: mode.
SELECT r.mode
  FROM tenantdeck.run r
  JOIN tenantdeck.plan p ON p.id = r.plan AND p.name = $1
  JOIN tenantdeck.meta m ON m.generation = r.generation
 WHERE (r.verb = 'migrate' OR r.verb LIKE 'run %')
   AND ($2 <> 'migrate' OR (r.verb = $2 AND r.state NOT IN ('done', 'undone')))
 ORDER BY r.id DESC
 LIMIT 1;

-- name: outlook_times
-- How long the steps of plan $1 have taken in this database, in mode $2: of each the last time that it came
-- to its end. Answers: step, ms, rows (-1: it counts none), run, at (text).
SELECT DISTINCT ON (s.name) s.name AS step,
       (extract(epoch FROM s.ended_at - s.started_at) * 1000)::bigint AS ms,
       COALESCE(s.done, -1) AS rows, s.run,
       to_char(s.ended_at, 'YYYY-MM-DD') AS at
  FROM tenantdeck.step s
  JOIN tenantdeck.run r ON r.id = s.run AND r.verb <> 'rollback' AND r.mode = $2
  JOIN tenantdeck.plan p ON p.id = r.plan AND p.name = $1
 WHERE s.state = 'done' AND s.ended_at IS NOT NULL AND s.started_at IS NOT NULL
 ORDER BY s.name, s.run DESC;

-- name: run_create
-- A new run of plan version $1: verb $2, mode $3, by user $4 on host $5, from $6 (an address, or
-- NULL), program $7, options $8. Answers its id and the generation.
INSERT INTO tenantdeck.run (generation, plan, verb, mode, state, os_user, host, ssh_client, program,
                            options)
SELECT m.generation, $1::bigint, $2, $3, 'starting', $4, $5, $6::inet, $7, $8::jsonb
  FROM tenantdeck.meta m
RETURNING id, generation::text AS generation;

-- name: run_close_others
-- Runs of plan $1 that were left open by a worker that is gone, other than run $2: they are stopped,
-- since this one takes over.
UPDATE tenantdeck.run r
   SET state = 'stopped', ended_at = greatest(clock_timestamp(), r.started_at),
       trouble = COALESCE(r.trouble, 'its worker died; run ' || $2 || ' took over')
  FROM tenantdeck.plan p
 WHERE p.id = r.plan AND p.name = $1 AND r.id <> $2::bigint
   AND r.state NOT IN ('done', 'failed', 'stopped', 'undone');

-- name: run_forget_requests
-- What was asked of run $1 while nobody was there to hear it: it is answered with $2, and not obeyed
-- hours later.
UPDATE tenantdeck.request
   SET answered_at = greatest(clock_timestamp(), at), answer = $2
 WHERE run = $1::bigint AND answered_at IS NULL;

-- name: run_state
-- Run $1 is now $2; $3 says why, or is NULL. $4: the process, $5: its log file (NULL: unchanged). An
-- end has a time. Only while the epoch is still $6: a worker that wakes up late says nothing more.
UPDATE tenantdeck.run
   SET state = $2, trouble = $3,
       pid = COALESCE($4::integer, pid), log_file = COALESCE($5::text, log_file),
       ended_at = CASE WHEN $2 IN ('done', 'failed', 'stopped', 'undone')
                       THEN greatest(clock_timestamp(), started_at) END
 WHERE id = $1::bigint
   AND EXISTS (SELECT 1 FROM tenantdeck.lease l WHERE l.run = $1::bigint AND l.epoch = $6::bigint);

-- name: run_add_step
-- Step $2 of type $3 is the last one of run $1 so far. After a resume it may be there already.
INSERT INTO tenantdeck.step (run, ordinal, name, type)
SELECT $1::bigint, COALESCE(max(s.ordinal), 0) + 1, $2::text, $3::text
  FROM tenantdeck.step s
 WHERE s.run = $1::bigint
ON CONFLICT (run, name) DO NOTHING;

-- name: run_steps
-- The steps of run $1. Answers: id, ordinal, name, state, done (rows; -1), total (-1).
SELECT s.id, s.ordinal, s.name, s.state, COALESCE(s.done, -1) AS done, COALESCE(s.total, -1) AS total
  FROM tenantdeck.step s
 WHERE s.run = $1::bigint
 ORDER BY s.ordinal;

-- name: run_step_state
-- Step $1 is now $2; trouble $3 with SQLSTATE $4, or NULL. Only while the epoch is still $5.
UPDATE tenantdeck.step
   SET state = $2, trouble = $3, sqlstate = nullif($4, ''), throttled = NULL,
       started_at = CASE WHEN $2 = 'runs' AND ended_at IS NULL
                         THEN COALESCE(started_at, clock_timestamp())
                         WHEN $2 = 'runs' THEN clock_timestamp()
                         ELSE started_at END,
       ended_at = CASE WHEN $2 IN ('done', 'failed', 'undone', 'skipped')
                       THEN greatest(clock_timestamp(), started_at) END
 WHERE id = $1::bigint
   AND EXISTS (SELECT 1 FROM tenantdeck.lease l
                WHERE l.run = step.run AND l.epoch = $5::bigint);

-- name: run_step_progress
-- What step $1 has done so far at its end: $2 rows of $3 (-1: not known). Only while the epoch is
-- still $4.
UPDATE tenantdeck.step
   SET done = nullif(greatest($2::bigint, -1), -1), total = nullif(greatest($3::bigint, -1), -1),
       rate = NULL
 WHERE id = $1::bigint
   AND EXISTS (SELECT 1 FROM tenantdeck.lease l
                WHERE l.run = step.run AND l.epoch = $4::bigint);

-- name: run_order
-- The last word about each step of plan $1 in this generation. Answers: name, state. A step that was
-- undone, or that never ran, is not done.
SELECT DISTINCT ON (s.name) s.name, s.state
  FROM tenantdeck.step s
  JOIN tenantdeck.run r ON r.id = s.run
  JOIN tenantdeck.plan p ON p.id = r.plan AND p.name = $1
  JOIN tenantdeck.meta m ON m.generation = r.generation
 WHERE s.state <> 'waits'
 ORDER BY s.name, s.run DESC;

-- ---- signs of life, and what people ask ----

-- name: run_pulse
-- The sign of life of run $1 with epoch $2 of plan $3, and what step $4 (NULL: none) has come to: $5
-- rows of $6, $7 a second (-1: not known), and why it waits ($8; NULL: for nothing, unless a statement
-- of its own has waited for a lock for a second, which only the server knows). Answers at least one
-- row: epoch (of the lease now), and the open requests, oldest first: id, verb, argument, who (NULL
-- without any).
WITH holder AS MATERIALIZED (
    SELECT 1 FROM tenantdeck.lease l WHERE l.plan = $3 AND l.epoch = $2::bigint
), beat AS (
    INSERT INTO tenantdeck.heartbeat AS h (run, epoch)
    SELECT $1::bigint, $2::bigint FROM holder
    ON CONFLICT (run) DO UPDATE SET epoch = excluded.epoch, at = clock_timestamp()
     WHERE h.at < clock_timestamp() - interval '1900 milliseconds' OR h.epoch <> excluded.epoch
), blocked AS (
    SELECT 'for transactions of others to end ('
           || string_agg(DISTINCT CASE b.pid WHEN 0 THEN 'a prepared one' ELSE 'pid ' || b.pid END, ', ')
           || ')' AS why
      FROM tenantdeck.child c
      JOIN pg_stat_activity a ON a.pid = c.pid AND a.backend_start = c.backend_start
      JOIN pg_locks l ON l.pid = c.pid AND l.waitstart < clock_timestamp() - interval '1 second'
     CROSS JOIN unnest(pg_blocking_pids(c.pid)) AS b (pid)
     WHERE c.run = $1::bigint AND c.kind = 'backend' AND c.ended_at IS NULL
), progress AS (
    UPDATE tenantdeck.step
       SET done = nullif($5::bigint, -1), total = nullif($6::bigint, -1),
           rate = nullif($7::double precision, -1), throttled = coalesce($8, blocked.why)
      FROM blocked
     WHERE id = $4::bigint AND EXISTS (SELECT 1 FROM holder)
       AND (done, total, throttled)
           IS DISTINCT FROM (nullif($5::bigint, -1), nullif($6::bigint, -1), coalesce($8, blocked.why))
)
SELECT COALESCE((SELECT l.epoch FROM tenantdeck.lease l WHERE l.plan = $3), 0) AS epoch,
       q.id, q.verb, q.argument::text AS argument, q.who
  FROM (SELECT 1) AS always
  LEFT JOIN tenantdeck.request q ON q.run = $1::bigint AND q.answered_at IS NULL
 ORDER BY q.id;

-- name: run_answer
-- Request $1 was taken up; $2 says what came of it, to whoever asked and in the log. Only while the
-- epoch is still $3.
WITH answered AS (
    UPDATE tenantdeck.request
       SET answered_at = greatest(clock_timestamp(), at), answer = $2
     WHERE id = $1::bigint AND answered_at IS NULL
       AND EXISTS (SELECT 1 FROM tenantdeck.lease l
                    WHERE l.run = request.run AND l.epoch = $3::bigint)
    RETURNING run, verb, argument, who
)
INSERT INTO tenantdeck.event (run, severity, source, text)
SELECT a.run, 'info', 'worker',
       concat_ws(' ', a.verb,
                 (SELECT string_agg(CASE WHEN key = 'step' THEN value ELSE key || '=' || value END, ' ')
                    FROM jsonb_each_text(a.argument)))
           || ' was asked for by ' || a.who || ': ' || $2
  FROM answered a;

-- name: run_ask
-- A person asks run $1: $2 with argument $3; $4 says who. Answers the request's number.
INSERT INTO tenantdeck.request (run, verb, argument, who)
VALUES ($1::bigint, $2, $3::jsonb, $4)
RETURNING id;

-- name: run_answered
-- What became of request $1. Answers: answered, answer, over (the run has come to its end: nobody will
-- answer any more), state (of the run).
SELECT q.answered_at IS NOT NULL AS answered, q.answer,
       r.state IN ('done', 'failed', 'stopped', 'undone') AS over, r.state
  FROM tenantdeck.request q
  JOIN tenantdeck.run r ON r.id = q.run
 WHERE q.id = $1::bigint;

-- ---- what is noted ----

-- name: run_event
-- One line of the log: run $1, step $2 (or NULL), severity $3, source $4, text $5. Only while the
-- epoch is still $6: a worker that wakes up late says nothing more.
INSERT INTO tenantdeck.event (run, step, severity, source, text)
SELECT l.run, $2::bigint, $3::text, $4::text, $5::text
  FROM tenantdeck.lease l
 WHERE l.run = $1::bigint AND l.epoch = $6::bigint;

-- name: run_finding
-- What a check of run $1, step $2 found: $3 group, $4 name, $5 subject, $6 verdict, $7 severity, $8
-- count (or NULL), $9 message, $10 samples, $11 query, $12 fix. Only while the epoch is still $13.
INSERT INTO tenantdeck.finding (run, step, check_group, check_name, subject, verdict, severity, count,
                                message, samples, query, fix)
SELECT l.run, $2::bigint, $3::text, $4::text, $5::text, $6::text, $7::text, $8::bigint, $9::text,
       $10::jsonb, $11::text, $12::text
  FROM tenantdeck.lease l
 WHERE l.run = $1::bigint AND l.epoch = $13::bigint;

-- name: run_measure
-- A figure that a later step compares with: run $1, unit $2, name $3, value $4. The first one stays.
-- Only while the epoch is still $5.
INSERT INTO tenantdeck.measure (run, unit, name, value)
SELECT l.run, $2::text, $3::text, $4::bigint
  FROM tenantdeck.lease l
 WHERE l.run = $1::bigint AND l.epoch = $5::bigint
ON CONFLICT DO NOTHING;

-- name: run_pace
-- How run $1 goes from now on: a batch takes about $2 ms, and it sleeps for $3 hundredths of that after
-- each. Only while the epoch is still $4.
INSERT INTO tenantdeck.measure (run, unit, name, value)
SELECT l.run, '*', pace.name, pace.value
  FROM tenantdeck.lease l, (VALUES ('batch ms', $2::bigint), ('sleep', $3::bigint)) AS pace (name, value)
 WHERE l.run = $1::bigint AND l.epoch = $4::bigint
ON CONFLICT (run, unit, name) DO UPDATE SET value = excluded.value, at = clock_timestamp();

-- name: run_measure_writes
-- From here on, whatever is written to the tables is somebody else's: the next transaction's number
-- is noted for run $1, so that a rollback can count the rows that came later. Only while the epoch is
-- still $2.
INSERT INTO tenantdeck.measure (run, unit, name, value)
SELECT l.run, '*', 'writes after', pg_snapshot_xmax(pg_current_snapshot())::text::bigint
  FROM tenantdeck.lease l
 WHERE l.run = $1::bigint AND l.epoch = $2::bigint
ON CONFLICT (run, unit, name) DO UPDATE SET value = excluded.value, at = clock_timestamp();

-- name: run_mark
-- The checkpoint of a batch of step $1: unit $2, part $3, where the next begins $4 (or NULL), $5 rows,
-- epoch $6. A second one of the same name is an error.
INSERT INTO tenantdeck.checkpoint (step, unit, part, next, rows, epoch)
VALUES ($1::bigint, $2, $3, $4, $5::bigint, $6::bigint);

-- name: run_mark_again
-- The checkpoint of an item that may be done anew, since only the catalog tells whether it is: step
-- $1, unit $2, part $3, epoch $4.
INSERT INTO tenantdeck.checkpoint (step, unit, part, next, rows, epoch)
VALUES ($1::bigint, $2, $3, NULL, 0, $4::bigint)
ON CONFLICT (step, unit, part) DO UPDATE SET epoch = excluded.epoch, at = clock_timestamp();

-- name: run_is_marked
-- Is there a checkpoint of step $1, unit $2, part $3? Answers: marked.
SELECT EXISTS (SELECT 1 FROM tenantdeck.checkpoint c
                WHERE c.step = $1::bigint AND c.unit = $2 AND c.part = $3) AS marked;

-- name: run_keep
-- An undo record of run $3, step $4, in generation $1 of plan $2: type $5, object $6, definition $7,
-- statement $8, alone $9. The first record of an object counts.
INSERT INTO tenantdeck.undo (generation, plan, run, step, ordinal, object_type, object, definition,
                             statement, alone)
VALUES ($1::uuid, $2, $3::bigint, $4::bigint,
        (SELECT COALESCE(max(u.ordinal), 0) + 1 FROM tenantdeck.undo u WHERE u.step = $4::bigint),
        $5, $6, $7, $8, $9::boolean)
ON CONFLICT (generation, plan, object_type, object) WHERE state = 'kept' DO NOTHING;

-- name: run_child_begins
-- A command is about to run: run $1, step $2, pid $3 on host $4, boot $5, start $6, as $7 says.
-- Answers its number; no row: the epoch is no longer $8, and it must not begin.
INSERT INTO tenantdeck.child (run, step, kind, pid, host, boot_id, start_ticks, command)
SELECT l.run, $2::bigint, 'process', $3::integer, $4::text, $5::uuid, $6::bigint, $7::text
  FROM tenantdeck.lease l
 WHERE l.run = $1::bigint AND l.epoch = $8::bigint
RETURNING id;

-- name: run_child_ended
-- The command $1 has ended: exit code $2 or signal $3 (one of them, or neither when nobody knows).
UPDATE tenantdeck.child
   SET ended_at = greatest(clock_timestamp(), intent_at), exit_code = $2::integer,
       signal = $3::integer
 WHERE id = $1::bigint AND ended_at IS NULL;

-- ---- taking back ----

-- name: undo_records
-- What plan $1 could take back in this generation, the last thing first. Answers: id, step (its name),
-- object_type, object, statement, alone.
SELECT u.id, s.name AS step, u.object_type, u.object, u.statement, u.alone
  FROM tenantdeck.undo u
  JOIN tenantdeck.step s ON s.id = u.step
  JOIN tenantdeck.meta m ON m.generation = u.generation
 WHERE u.plan = $1 AND u.state = 'kept'
 ORDER BY u.id DESC;

-- name: undo_settle
-- Record $1 is settled by run $2: $3 is undone or dropped.
UPDATE tenantdeck.undo
   SET state = $3, settled_at = greatest(clock_timestamp(), recorded_at), settled_by = $2::bigint
 WHERE id = $1::bigint AND state = 'kept';

-- name: undo_invalid_index
-- Is there an index of name $1 (as pg_identify_object has it) that a build has left invalid? Answers
-- the statement that drops it, or no row.
SELECT format('DROP INDEX CONCURRENTLY IF EXISTS %s', i.indexrelid::regclass) AS statement
  FROM pg_index i
  JOIN pg_class c ON c.oid = i.indexrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE (NOT i.indisvalid OR NOT i.indisready)
   AND format('%I.%I', n.nspname, c.relname) = $1;

-- name: undo_rows_since
-- The statements that count, for each table of the plan ($1, as JSON), the rows written since its
-- migration: those whose transaction is younger than the one noted then. Answers: unit, query (of
-- one number). No row when nothing was noted.
SELECT t.doc ->> 'name' AS unit,
       format('SELECT count(*) FROM %s t WHERE age(t.xmin) <= age(%L::xid)', c.oid::regclass,
              (w.value % 4294967296)::text) AS query
  FROM (SELECT $1::jsonb AS doc) AS plan
 CROSS JOIN jsonb_array_elements(plan.doc -> 'tables') WITH ORDINALITY AS t (doc, place)
  JOIN pg_namespace n ON n.nspname = plan.doc ->> 'schema'
  JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = t.doc ->> 'name' AND c.relkind IN ('r', 'p')
  JOIN LATERAL (SELECT m.value
                  FROM tenantdeck.measure m
                  JOIN tenantdeck.run r ON r.id = m.run
                  JOIN tenantdeck.plan p ON p.id = r.plan AND p.name = plan.doc ->> 'name'
                  JOIN tenantdeck.meta o ON o.generation = r.generation
                 WHERE m.unit = '*' AND m.name = 'writes after'
                 ORDER BY m.run DESC LIMIT 1) AS w ON true
 ORDER BY t.place;

-- ---- looking on ----

-- name: run_newest
-- The run that a person means who names none: of plan $1 the open one, else the newest. Answers: id.
SELECT r.id
  FROM tenantdeck.run r
  JOIN tenantdeck.plan p ON p.id = r.plan AND p.name = $1
 ORDER BY r.state IN ('done', 'failed', 'stopped', 'undone'), r.id DESC
 LIMIT 1;

-- name: run_view
-- How run $1 stands. Answers one row: state, over (it has come to an end), taken (by another run, which
-- began while this one was open), trouble, verb, who, since (text), beat_ms (since its last sign of
-- life), locks (its lock session is there), step (the one under way, or that failed), number and steps
-- (it is the n-th of so many), done and total (-1: not known), rate (-1), step_since (ms since 1970;
-- -1), waits (why; NULL).
SELECT r.state,
       r.state IN ('done', 'failed', 'stopped', 'undone') AS over,
       r.state = 'stopped' AND EXISTS (SELECT 1
                                         FROM tenantdeck.run n
                                         JOIN tenantdeck.plan q ON q.id = n.plan
                                         JOIN tenantdeck.plan p ON p.id = r.plan AND p.name = q.name
                                        WHERE n.id > r.id AND n.started_at <= r.ended_at) AS taken,
       r.trouble,
       r.verb,
       r.os_user || '@' || r.host AS who,
       to_char(r.started_at, 'YYYY-MM-DD HH24:MI:SS') AS since,
       (extract(epoch FROM clock_timestamp() - greatest(h.at, l.claimed_at, r.started_at)) * 1000)::bigint
           AS beat_ms,
       EXISTS (SELECT 1 FROM pg_stat_activity a
                WHERE a.pid = l.backend_pid AND a.backend_start = l.backend_start) AS locks,
       s.name AS step,
       s.ordinal AS number,
       (SELECT count(*) FROM tenantdeck.step c WHERE c.run = r.id) AS steps,
       COALESCE(s.done, -1) AS done,
       COALESCE(s.total, -1) AS total,
       COALESCE(s.rate, -1) AS rate,
       COALESCE((extract(epoch FROM s.started_at) * 1000)::bigint, -1) AS step_since,
       s.throttled AS waits
  FROM tenantdeck.run r
  LEFT JOIN tenantdeck.heartbeat h ON h.run = r.id
  LEFT JOIN tenantdeck.lease l ON l.run = r.id
  LEFT JOIN LATERAL (SELECT * FROM tenantdeck.step s
                      WHERE s.run = r.id AND s.state IN ('runs', 'paused', 'failed')
                      ORDER BY s.ordinal LIMIT 1) AS s ON true
 WHERE r.id = $1::bigint;

-- name: run_told_before
-- The last event of run $1 before its worker of now has claimed it: whoever resumes a run has seen
-- those. Answers: id (0: there is none).
SELECT COALESCE(max(e.id), 0) AS id
  FROM tenantdeck.event e
  JOIN tenantdeck.lease l ON l.run = e.run AND e.at < l.claimed_at
 WHERE e.run = $1::bigint;

-- name: run_events
-- The events of run $1 after event $2, oldest first, at most 500. Answers: id, at (ms since 1970),
-- severity, source, step, text.
SELECT e.id, (extract(epoch FROM e.at) * 1000)::bigint AS at, e.severity, e.source, s.name AS step,
       e.text
  FROM tenantdeck.event e
  LEFT JOIN tenantdeck.step s ON s.id = e.step
 WHERE e.run = $1::bigint AND e.id > $2::bigint
 ORDER BY e.id
 LIMIT 500;
