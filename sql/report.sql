-- The report of a run: everything the journal knows of it, as one JSON document.

-- name: report_document
-- All that is told of run $1 (NULL: the newest of plan $2; that NULL, too: the newest of all). The
-- step report writes it into files, the verb report prints it. Times are UTC. Answers no row or one:
-- run (its number), document.
WITH chosen AS (
    SELECT r.*
      FROM tenantdeck.run r
      JOIN tenantdeck.plan p ON p.id = r.plan
     WHERE CASE WHEN $1::bigint IS NOT NULL THEN r.id = $1::bigint
                ELSE $2::text IS NULL OR p.name = $2::text END
     ORDER BY r.id DESC
     LIMIT 1
), steps AS (
    SELECT s.id, s.ordinal, s.state, s.name,
           jsonb_build_object(
               'ordinal', s.ordinal, 'name', s.name, 'type', s.type, 'state', s.state,
               'done', s.done, 'total', s.total,
               'changed', b.rows, 'batches', b.batches,
               'rate', COALESCE(round(s.rate::numeric, 1),
                                CASE WHEN t.ms > 0 AND b.rows > 0
                                     THEN round((b.rows * 1000.0 / t.ms)::numeric, 1) END),
               'started_at', to_char(s.started_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
               'ended_at', to_char(s.ended_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
               'ms', t.ms, 'trouble', s.trouble, 'sqlstate', s.sqlstate) AS told
      FROM chosen
      JOIN tenantdeck.step s ON s.run = chosen.id
     CROSS JOIN LATERAL (SELECT (extract(epoch FROM s.ended_at - s.started_at) * 1000)::bigint AS ms)
           AS t
     CROSS JOIN LATERAL (SELECT sum(c.rows) AS rows, count(*) AS batches
                           FROM tenantdeck.checkpoint c WHERE c.step = s.id) AS b
), findings AS (
    SELECT f.*
      FROM chosen
      JOIN tenantdeck.finding f ON f.run = chosen.id
), troubles AS (
    SELECT e.id, e.severity,
           jsonb_build_object('at', to_char(e.at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
                              'step', s.name, 'severity', e.severity, 'source', e.source,
                              'text', e.text) AS told
      FROM chosen
      JOIN tenantdeck.event e ON e.run = chosen.id AND e.severity IN ('warn', 'error')
      LEFT JOIN tenantdeck.step s ON s.id = e.step
), undo AS (
    SELECT s.ordinal,
           jsonb_build_object('step', s.name,
                              'kept', count(*) FILTER (WHERE u.state = 'kept'),
                              'undone', count(*) FILTER (WHERE u.state = 'undone'),
                              'dropped', count(*) FILTER (WHERE u.state = 'dropped')) AS told,
           count(*) FILTER (WHERE u.state = 'kept') AS kept
      FROM chosen
      JOIN tenantdeck.undo u ON u.run = chosen.id
      JOIN tenantdeck.step s ON s.id = u.step
     GROUP BY s.ordinal, s.name
), parked AS (
    SELECT k.unit, count(*) AS rows
      FROM chosen
      JOIN tenantdeck.plan p ON p.id = chosen.plan
      JOIN tenantdeck.parked k ON k.plan = p.name
     GROUP BY k.unit
), fill_triggers AS (
    SELECT count(*) AS many
      FROM pg_trigger t
      JOIN pg_proc f ON f.oid = t.tgfoid
      JOIN pg_namespace n ON n.oid = f.pronamespace
      JOIN pg_class c ON c.oid = t.tgrelid
     WHERE n.nspname = 'tenantdeck' AND NOT t.tgisinternal
       AND c.relnamespace <> n.oid
), left_to_do (ordinal, what) AS (
    SELECT 1, format('step ''%s'' is %s%s', name, state,
                     COALESCE(': ' || (told ->> 'trouble'), ''))
      FROM steps WHERE state IN ('failed', 'paused')
     UNION ALL
    SELECT 2, format('%s steps have not been run: %s', count(*), string_agg(name, ', ' ORDER BY ordinal))
      FROM steps WHERE state = 'waits' HAVING count(*) > 0
     UNION ALL
    SELECT 3, format('%s checks have failed: see the findings', count(*))
      FROM findings WHERE verdict = 'fail' HAVING count(*) > 0
     UNION ALL
    SELECT 4, format('%s checks could not be answered: see the findings', count(*))
      FROM findings WHERE verdict = 'unknown' HAVING count(*) > 0
     UNION ALL
    SELECT 5, format('%s rows of ''%s'' were left aside without a tenant', rows, unit) FROM parked
     UNION ALL
    SELECT 6, format('%s fill triggers are still there: ''tenantdeck run release'' drops them once '
                     || 'no instance of the old application writes any more', many)
      FROM fill_triggers WHERE many > 0
)
SELECT chosen.id AS run,
       jsonb_build_object(
           'run', jsonb_build_object(
               'id', chosen.id, 'verb', chosen.verb, 'mode', chosen.mode, 'state', chosen.state,
               'who', chosen.os_user || '@' || chosen.host, 'ssh_client', host(chosen.ssh_client),
               'role', chosen.role, 'program', chosen.program,
               'started_at', to_char(chosen.started_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
               'ended_at', to_char(chosen.ended_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
               'ms', (extract(epoch FROM COALESCE(chosen.ended_at, clock_timestamp())
                                         - chosen.started_at) * 1000)::bigint,
               'trouble', chosen.trouble, 'log_file', chosen.log_file, 'options', chosen.options,
               'generation', chosen.generation),
           'plan', (SELECT jsonb_build_object('name', p.name, 'hash', p.hash, 'kind', p.kind,
                                              'title', p.title)
                      FROM tenantdeck.plan p WHERE p.id = chosen.plan),
           'database', jsonb_build_object(
               'name', current_database(), 'server', current_setting('server_version'),
               'written_at', to_char(clock_timestamp(), 'YYYY-MM-DD"T"HH24:MI:SS"Z"')),
           'steps', (SELECT COALESCE(jsonb_agg(told ORDER BY ordinal), '[]') FROM steps),
           'findings', (SELECT COALESCE(jsonb_agg(jsonb_build_object(
                                   'group', f.check_group, 'name', f.check_name,
                                   'subject', f.subject, 'verdict', f.verdict,
                                   'severity', f.severity, 'count', f.count,
                                   'message', f.message, 'samples', f.samples, 'query', f.query,
                                   'fix', f.fix) ORDER BY f.id), '[]')
                          FROM findings f),
           'verdicts', (SELECT jsonb_build_object(
                                   'pass', count(*) FILTER (WHERE verdict = 'pass'),
                                   'warn', count(*) FILTER (WHERE verdict = 'warn'),
                                   'fail', count(*) FILTER (WHERE verdict = 'fail'),
                                   'unknown', count(*) FILTER (WHERE verdict = 'unknown'))
                          FROM findings),
           'troubles', jsonb_build_object(
               'errors', (SELECT count(*) FROM troubles WHERE severity = 'error'),
               'warnings', (SELECT count(*) FROM troubles WHERE severity = 'warn'),
               'newest', (SELECT COALESCE(jsonb_agg(told ORDER BY id), '[]')
                            FROM (SELECT * FROM troubles ORDER BY id DESC LIMIT 200) AS newest)),
           'undo', (SELECT COALESCE(jsonb_agg(told ORDER BY ordinal), '[]') FROM undo),
           'commands', (SELECT COALESCE(jsonb_agg(jsonb_build_object(
                                   'command', c.command, 'exit_code', c.exit_code,
                                   'signal', c.signal, 'ended', c.ended_at IS NOT NULL)
                               ORDER BY c.id), '[]')
                          FROM tenantdeck.child c
                         WHERE c.run = chosen.id AND c.kind = 'process'),
           'left_to_do', (SELECT COALESCE(jsonb_agg(what ORDER BY ordinal, what), '[]')
                            FROM left_to_do)
       ) AS document
  FROM chosen;
