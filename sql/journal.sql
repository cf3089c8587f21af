-- The journal: schema "tenantdeck" in the target database, and how the console reads it.
--
-- It says what was run, by whom, how far it came, what was found and what can be taken back. A
-- backup leaves it out (a restored database begins a new one). Only the program and its worker
-- write to it; everything in it may be read with plain SQL: tenantdeck-journal(7) has examples.
--
-- What its tables are stands in journal_upgrade.sql.

-- name: journal_look
-- Is there a journal, of which version, and what may this role do about it? Cheap, and never an
-- error: a role without any right gets an answer too. The table and the server's identity are read
-- by way of query_to_xml(), since naming a table that may be missing or closed would be an error.
-- Whoever may create schemas can put views, rules, casts or functions there that would run with our
-- rights. So it is a journal only if its tables are plain tables of one owner with built-in types, and
-- only a role that owns all of it (or a superuser does) may upgrade or renew it.
-- Answers one row: taken (the schema exists), ours (it holds a journal), empty (it holds nothing),
-- owner, version, generation, program, copied (the journal came here with a copy of another
-- database), may_read, may_write, may_create (create or upgrade it), standby (the server takes no
-- changes, whatever the role may do), role, database.
WITH place AS (
    SELECT n.oid AS schema, COALESCE(m.relowner, n.nspowner) AS owner, m.oid AS meta,
           has_schema_privilege(n.oid, 'USAGE') AS may_enter,
           has_schema_privilege(n.oid, 'CREATE') AS may_fill,
           m.oid IS NULL
               AND NOT EXISTS (SELECT 1 FROM pg_class c WHERE c.relnamespace = n.oid)
               AND NOT EXISTS (SELECT 1 FROM pg_proc p WHERE p.pronamespace = n.oid)
               AND NOT EXISTS (SELECT 1 FROM pg_type t WHERE t.typnamespace = n.oid) AS empty
      FROM (SELECT 1) AS always
      LEFT JOIN pg_namespace n ON n.nspname = 'tenantdeck'
      LEFT JOIN pg_class m
             ON m.relnamespace = n.oid AND m.relname = 'meta' AND m.relkind = 'r'
            AND EXISTS (SELECT 1 FROM pg_attribute a
                         WHERE a.attrelid = m.oid AND a.attname = 'generation'
                           AND a.atttypid = 'uuid'::regtype AND NOT a.attisdropped)
            AND NOT EXISTS (SELECT 1 FROM pg_class c
                             WHERE c.relnamespace = n.oid
                               AND c.relname IN ('meta', 'plan', 'mapping', 'run', 'lease',
                                                 'heartbeat', 'step', 'checkpoint', 'event',
                                                 'finding', 'request', 'undo', 'child',
                                                 'old_value', 'parked', 'requeue', 'measure',
                                                 'redis_change')
                               AND (c.relkind <> 'r' OR c.relowner <> m.relowner OR c.relhasrules
                                    OR c.relhassubclass
                                    OR EXISTS (SELECT 1 FROM pg_attribute a
                                                JOIN pg_type t ON t.oid = a.atttypid
                                                WHERE a.attrelid = c.oid AND NOT a.attisdropped
                                                  AND t.typnamespace <> 'pg_catalog'::regnamespace)))
), access AS (
    SELECT place.*,
           meta IS NOT NULL AND may_enter AND has_table_privilege(meta, 'SELECT') AS may_read,
           COALESCE(may_enter AND (SELECT bool_and(has_table_privilege(c.oid, 'INSERT'))
                                     FROM pg_class c
                                    WHERE c.relnamespace = place.schema
                                      AND c.relname IN ('run', 'lease', 'checkpoint', 'event')),
                    false) AS may_write
      FROM place
), content AS (
    SELECT access.*,
           CASE WHEN may_read
                THEN query_to_xml('SELECT * FROM tenantdeck.meta', false, false, '')::text
           END AS meta_row,
           CASE WHEN has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')
                THEN query_to_xml('SELECT system_identifier FROM pg_catalog.pg_control_system()',
                                  false, false, '')::text
           END AS server_row
      FROM access
)
SELECT schema IS NOT NULL AS taken,
       meta IS NOT NULL AS ours,
       COALESCE(empty, false) AS empty,
       pg_get_userbyid(content.owner) AS owner,
       COALESCE(substring(meta_row FROM '<version>(\d+)</version>')::bigint, 0) AS version,
       substring(meta_row FROM '<generation>([0-9a-f-]{36})</generation>') AS generation,
       substring(meta_row FROM '<program>([^<]*)</program>') AS program,
       COALESCE(substring(meta_row FROM '<database_oid>(\d+)</database_oid>')
                    <> (SELECT d.oid::text FROM pg_database d WHERE d.datname = current_database()),
                false)
           OR COALESCE(substring(meta_row FROM '<system_identifier>(-?\d+)</system_identifier>')
                    <> substring(server_row FROM '<system_identifier>(-?\d+)</system_identifier>'),
                false) AS copied,
       may_read,
       may_write,
       CASE WHEN schema IS NULL THEN has_database_privilege(current_database(), 'CREATE')
            WHEN meta IS NOT NULL
            THEN pg_has_role(content.owner, 'USAGE')
                 AND NOT EXISTS (SELECT 1
                                   FROM (SELECT relowner AS owner FROM pg_class
                                          WHERE relnamespace = schema
                                          UNION
                                         SELECT proowner FROM pg_proc
                                          WHERE pronamespace = schema) AS of_others
                                   JOIN pg_roles r ON r.oid = of_others.owner
                                  WHERE NOT r.rolsuper AND r.rolname <> current_user)
            ELSE empty AND may_fill
       END AS may_create,
       pg_is_in_recovery() AS standby,
       current_user AS role,
       current_database() AS database
  FROM content;

-- name: journal_begin
-- Opens the transaction in which the journal is made, upgraded or renewed: one session at a time,
-- whoever comes second waits and then finds the work done. READ COMMITTED, so that it does find it,
-- whatever the role's default says. The lock is gone with the transaction.
BEGIN ISOLATION LEVEL READ COMMITTED;
SET LOCAL lock_timeout = '30s';
SET LOCAL statement_timeout = '120s';
SELECT pg_advisory_xact_lock(hashtextextended('tenantdeck journal', 0));

-- name: journal_commit
-- Ends what journal_begin began.
COMMIT;

-- name: journal_rollback
-- Gives up what journal_begin began: nothing of it stays.
ROLLBACK;

-- name: journal_sign
-- Notes which version of the program made or upgraded the journal. $1: the version.
UPDATE tenantdeck.meta
   SET program = $1, upgraded_at = now(), upgraded_by = session_user;

-- name: journal_renew
-- Begins a new generation in a journal that came here with a copy of another database (a restore, a
-- clone, CREATE DATABASE ... TEMPLATE). Its runs speak of the other database: those left open are
-- closed, so that nobody resumes them into this one, and their leases are set free. Undo records
-- stay readable and belong to the old generation.
UPDATE tenantdeck.run
   SET state = 'failed', ended_at = greatest(now(), started_at),
       trouble = 'this database is a copy; the run went on, if at all, in the original'
 WHERE state NOT IN ('done', 'failed', 'undone');
UPDATE tenantdeck.lease
   SET run = NULL, pid = NULL, backend_pid = NULL, backend_start = NULL, epoch = epoch + 1,
       released_at = now();
UPDATE tenantdeck.meta
   SET generation = gen_random_uuid(), database_name = current_database(),
       database_oid = (SELECT oid FROM pg_catalog.pg_database
                        WHERE datname = current_database()),
       system_identifier = tenantdeck.server_identity();
INSERT INTO tenantdeck.event (severity, source, text)
SELECT 'warn', 'journal',
       'the journal came here with a copy of another database and begins generation ' || generation
  FROM tenantdeck.meta;

-- name: journal_overview
-- The run that matters: of plan $1 (NULL: of any plan) the open one, else the newest. Answers no row
-- or one: id, plan, plan_hash, verb, mode, state, who ("anna@bastion1"), since and beat_at (ms since
-- 1970; beat_at -1: no heartbeat yet), alive (it is open and its heartbeat is fresh), trouble, batch_ms
-- (how long a batch should take) and sleep (after each, in hundredths of that); -1: not told yet.
SELECT r.id,
       p.name AS plan,
       p.hash AS plan_hash,
       r.verb,
       r.mode,
       r.state,
       r.os_user || '@' || r.host AS who,
       (extract(epoch FROM r.started_at) * 1000)::bigint AS since,
       COALESCE((extract(epoch FROM h.at) * 1000)::bigint, -1) AS beat_at,
       r.state NOT IN ('done', 'failed', 'stopped', 'undone')
           AND COALESCE(clock_timestamp() - greatest(h.at, l.claimed_at) < interval '15 seconds',
                        false) AS alive,
       r.trouble,
       COALESCE((SELECT m.value FROM tenantdeck.measure m
                  WHERE m.run = r.id AND m.unit = '*' AND m.name = 'batch ms'), -1) AS batch_ms,
       COALESCE((SELECT m.value FROM tenantdeck.measure m
                  WHERE m.run = r.id AND m.unit = '*' AND m.name = 'sleep'), -1) AS sleep
  FROM tenantdeck.run r
  JOIN tenantdeck.plan p ON p.id = r.plan
  LEFT JOIN tenantdeck.heartbeat h ON h.run = r.id
  LEFT JOIN tenantdeck.lease l ON l.run = r.id
 WHERE $1::text IS NULL OR p.name = $1::text
 ORDER BY r.state IN ('done', 'failed', 'stopped', 'undone'), r.id DESC
 LIMIT 1;

-- name: journal_steps
-- How the steps of the plan of run $1 stand: of each its last word, whichever run spoke it (a
-- validation later on says nothing of the fill). Answers: ordinal, name, type, state, done and total
-- (rows; -1: not known), rate (rows a second, lately; -1), started_at and ended_at (ms since 1970; -1),
-- trouble (of a failed step), throttled (why it waits just now), current (it was run $1 that spoke).
SELECT last.ordinal,
       last.name,
       last.type,
       last.state,
       COALESCE(last.done, -1) AS done,
       COALESCE(last.total, -1) AS total,
       COALESCE(last.rate, -1) AS rate,
       COALESCE((extract(epoch FROM last.started_at) * 1000)::bigint, -1) AS started_at,
       COALESCE((extract(epoch FROM last.ended_at) * 1000)::bigint, -1) AS ended_at,
       last.trouble,
       last.throttled,
       last.run = $1::bigint AS current
  FROM (SELECT DISTINCT ON (s.name) s.*
          FROM tenantdeck.run this
          JOIN tenantdeck.plan q ON q.id = this.plan
          JOIN tenantdeck.plan p ON p.name = q.name
          JOIN tenantdeck.run r ON r.plan = p.id AND r.generation = this.generation
          JOIN tenantdeck.step s ON s.run = r.id
         WHERE this.id = $1::bigint
         ORDER BY s.name, s.state = 'waits', s.run DESC) AS last
 ORDER BY last.run, last.ordinal;

-- name: journal_asked
-- What people have asked of run $1 and has not come about yet, what ends it first. The worker answers
-- at its next pulse, but a pause, a stop and an abort come at the border of what is under way, and a hold
-- when its step is reached; one that the run was begun with counts as asked for by whoever began it.
-- Answers: verb, step (of hold; NULL), who, at (ms since 1970), heard (the worker has answered).
WITH mine AS (
    SELECT r.id, r.options, r.started_at, r.os_user || '@' || r.host AS who, l.claimed_at
      FROM tenantdeck.run r
      JOIN tenantdeck.lease l ON l.run = r.id
     WHERE r.id = $1::bigint AND r.state NOT IN ('done', 'failed', 'stopped', 'undone')
), asked AS (
    SELECT q.id, q.verb, q.argument ->> 'step' AS step, q.who, q.at, q.answered_at IS NOT NULL AS heard
      FROM mine
      JOIN tenantdeck.request q ON q.run = mine.id AND (q.at >= mine.claimed_at OR q.answered_at IS NULL)
     UNION ALL
    SELECT 0, 'hold', mine.options ->> 'hold', mine.who, mine.started_at, true
      FROM mine
     WHERE mine.options ->> 'hold' IS NOT NULL
)
SELECT a.verb, a.step, a.who, (extract(epoch FROM a.at) * 1000)::bigint AS at, a.heard
  FROM asked a
 WHERE NOT a.heard
    OR (a.verb IN ('pause', 'stop', 'abort', 'hold')
        AND NOT EXISTS (SELECT 1 FROM asked later
                         WHERE later.id > a.id AND later.heard
                           AND (later.verb = a.verb OR (a.verb = 'pause' AND later.verb = 'resume')))
        AND (a.verb <> 'hold' OR a.step IS NOT NULL)
        -- what it waits for just now is what was asked for: then it has come about
        AND CASE a.verb
                WHEN 'pause' THEN NOT EXISTS (SELECT 1 FROM tenantdeck.step s
                                               WHERE s.run = $1::bigint AND s.throttled LIKE 'paused%')
                WHEN 'hold' THEN EXISTS (SELECT 1 FROM tenantdeck.step s
                                          WHERE s.run = $1::bigint AND s.name = a.step
                                            AND s.state = 'waits'
                                            AND coalesce(s.throttled, '') NOT LIKE 'held%')
                ELSE true END)
 ORDER BY array_position(ARRAY['abort', 'stop', 'pause', 'resume', 'throttle', 'hold'], a.verb), a.id;

-- name: journal_fill
-- How far step fill of run $1 is, by its checkpoints alone: no table is read. Answers a row for each
-- table that was begun: unit, rows (changed so far), over (all of it is filled). No row unless the step
-- is under way, or has not come to its end.
SELECT c.unit,
       sum(c.rows)::bigint AS rows,
       bool_or(c.part IN ('filled', 'rewritten')) AS over
  FROM tenantdeck.step s
  JOIN tenantdeck.checkpoint c ON c.step = s.id
 WHERE s.run = $1::bigint AND s.name = 'fill' AND s.state IN ('runs', 'paused', 'failed')
 GROUP BY c.unit;

-- name: journal_events
-- The newest $3 events between event $1 (0: the beginning) and event $2 (NULL: the end), oldest first; of
-- them those of severity $4 at least ('debug': all), of step $5, that name $6 (a table), that contain $7 in
-- any case, of run $8 (NULL: of any). Answers: id, at (ms since 1970), run, step (its name), severity,
-- source, text.
SELECT newest.id,
       (extract(epoch FROM newest.at) * 1000)::bigint AS at,
       newest.run,
       newest.step,
       newest.severity,
       newest.source,
       newest.text
  FROM (SELECT e.id, e.at, e.run, s.name AS step, e.severity, e.source, e.text
          FROM tenantdeck.event e
          LEFT JOIN tenantdeck.step s ON s.id = e.step
         WHERE e.id > $1::bigint AND ($2::bigint IS NULL OR e.id < $2::bigint)
           AND array_position(ARRAY['debug', 'info', 'warn', 'error'], e.severity)
               >= array_position(ARRAY['debug', 'info', 'warn', 'error'], $4::text)
           AND ($5::text IS NULL OR s.name = $5::text)
           AND ($6::text IS NULL OR strpos(e.text, $6::text) > 0)
           AND ($7::text IS NULL OR strpos(lower(e.text), lower($7::text)) > 0)
           AND ($8::bigint IS NULL OR e.run = $8::bigint)
         ORDER BY e.id DESC
         LIMIT $3::bigint) AS newest
 ORDER BY newest.id;

-- name: journal_events_next
-- The oldest $3 events after event $1, and before event $2 (NULL: up to the end), by the rules of
-- journal_events. Answers the same.
SELECT e.id,
       (extract(epoch FROM e.at) * 1000)::bigint AS at,
       e.run,
       s.name AS step,
       e.severity,
       e.source,
       e.text
  FROM tenantdeck.event e
  LEFT JOIN tenantdeck.step s ON s.id = e.step
 WHERE e.id > $1::bigint AND ($2::bigint IS NULL OR e.id < $2::bigint)
   AND array_position(ARRAY['debug', 'info', 'warn', 'error'], e.severity)
       >= array_position(ARRAY['debug', 'info', 'warn', 'error'], $4::text)
   AND ($5::text IS NULL OR s.name = $5::text)
   AND ($6::text IS NULL OR strpos(e.text, $6::text) > 0)
   AND ($7::text IS NULL OR strpos(lower(e.text), lower($7::text)) > 0)
   AND ($8::bigint IS NULL OR e.run = $8::bigint)
 ORDER BY e.id
 LIMIT $3::bigint;

-- name: journal_findings
-- What the newest run of plan $1 (NULL: of any plan) that checked something has found; where a check was
-- asked again, its last answer. Answers: run, check_group, check_name, subject, verdict, severity,
-- count (rows concerned; -1), message, samples (JSON), query (the SQL that found it), fix (the SQL that
-- would mend it), at (ms since 1970).
SELECT last.run,
       last.check_group,
       last.check_name,
       last.subject,
       last.verdict,
       last.severity,
       COALESCE(last.count, -1) AS count,
       last.message,
       last.samples,
       last.query,
       last.fix,
       (extract(epoch FROM last.at) * 1000)::bigint AS at
  FROM (SELECT DISTINCT ON (f.check_group, f.check_name, f.subject) f.*
          FROM tenantdeck.finding f
         WHERE f.run = (SELECT max(r.id)
                          FROM tenantdeck.run r
                          JOIN tenantdeck.plan p ON p.id = r.plan
                         WHERE ($1::text IS NULL OR p.name = $1::text)
                           AND EXISTS (SELECT 1 FROM tenantdeck.finding any_of
                                        WHERE any_of.run = r.id))
         ORDER BY f.check_group, f.check_name, f.subject, f.id DESC) AS last
 ORDER BY last.id;
