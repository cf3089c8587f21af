-- What a command of somebody else has changed in the catalog: nobody announces it, so the catalog is
-- read before and after.

-- name: outside_catalog
-- The catalog as lines of text, one for each table, column, constraint, index, view, function, trigger,
-- sequence and type outside of the system's schemas and of tenantdeck's. $1 is such a text from before,
-- with a newline between its lines, or NULL. Answers what is different, or all of it: change ('added',
-- 'gone'), line. What was altered is gone as it was, and added as it is.
WITH relation AS (
    SELECT c.oid, c.relkind, format('%I.%I', n.nspname, c.relname) AS name, c.relrowsecurity,
           n.oid AS namespace
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'tenantdeck')
       AND n.nspname NOT LIKE 'pg\_temp\_%' AND n.nspname NOT LIKE 'pg\_toast\_temp\_%'
), line AS (
    SELECT CASE r.relkind WHEN 'r' THEN 'table ' WHEN 'p' THEN 'partitioned table '
                          WHEN 'f' THEN 'foreign table ' WHEN 'S' THEN 'sequence ' END
           || r.name || CASE WHEN r.relrowsecurity THEN ' with row security' ELSE '' END AS text
      FROM relation r
     WHERE r.relkind IN ('r', 'p', 'f', 'S')
    UNION ALL
    SELECT 'column ' || r.name || '.' || quote_ident(a.attname) || ' '
           || format_type(a.atttypid, a.atttypmod)
           || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
           || COALESCE(' default ' || pg_get_expr(d.adbin, d.adrelid), '')
      FROM relation r
      JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
      LEFT JOIN pg_attrdef d ON d.adrelid = r.oid AND d.adnum = a.attnum
     WHERE r.relkind IN ('r', 'p', 'f')
    UNION ALL
    SELECT 'constraint ' || quote_ident(k.conname) || ' of ' || r.name || ': '
           || pg_get_constraintdef(k.oid)
      FROM relation r
      JOIN pg_constraint k ON k.conrelid = r.oid
    UNION ALL
    SELECT 'index ' || pg_get_indexdef(i.indexrelid)
           || CASE WHEN i.indisvalid THEN '' ELSE ' (invalid)' END
      FROM relation r
      JOIN pg_index i ON i.indrelid = r.oid
    UNION ALL
    SELECT CASE r.relkind WHEN 'v' THEN 'view ' ELSE 'materialized view ' END || r.name || ' '
           || md5(pg_get_viewdef(r.oid))
      FROM relation r
     WHERE r.relkind IN ('v', 'm')
    UNION ALL
    SELECT 'trigger ' || pg_get_triggerdef(t.oid)
      FROM relation r
      JOIN pg_trigger t ON t.tgrelid = r.oid AND NOT t.tgisinternal
    UNION ALL
    SELECT 'function ' || p.oid::regprocedure || ' '
           || md5(concat_ws(' ', p.prosrc, p.probin, p.prosecdef, p.proconfig, p.provolatile))
      FROM pg_proc p
      JOIN pg_namespace n ON n.oid = p.pronamespace
     WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'tenantdeck')
    UNION ALL
    SELECT 'type ' || format_type(t.oid, NULL)
           || COALESCE((SELECT ' (' || string_agg(quote_literal(e.enumlabel), ', '
                                                  ORDER BY e.enumsortorder) || ')'
                          FROM pg_enum e WHERE e.enumtypid = t.oid), '')
      FROM pg_type t
      JOIN pg_namespace n ON n.oid = t.typnamespace
     WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'tenantdeck')
       AND t.typtype IN ('e', 'd')
), now AS (
    SELECT DISTINCT replace(l.text, E'\n', ' ') AS text FROM line l
), before AS (
    SELECT b.text FROM unnest(string_to_array($1::text, E'\n')) AS b(text) WHERE b.text <> ''
)
SELECT 'gone' AS change, b.text AS line
  FROM before b
 WHERE NOT EXISTS (SELECT 1 FROM now w WHERE w.text = b.text)
 UNION ALL
SELECT 'added', w.text
  FROM now w
 WHERE NOT EXISTS (SELECT 1 FROM before b WHERE b.text = w.text)
 ORDER BY 2, 1 DESC;

-- name: outside_unseen
-- The last command of step $2 of plan $1, if nobody saw how it ended: its worker died, or the host.
-- Answers no row or one: command, intent_at.
SELECT l.command, date_trunc('second', l.intent_at) AS intent_at
  FROM (SELECT c.command, c.intent_at, c.exit_code, c.signal
          FROM tenantdeck.child c
          JOIN tenantdeck.step s ON s.id = c.step AND s.name = $2
          JOIN tenantdeck.run r ON r.id = c.run
          JOIN tenantdeck.plan p ON p.id = r.plan AND p.name = $1
         WHERE c.kind = 'process'
         ORDER BY c.id DESC
         LIMIT 1) AS l
 WHERE l.exit_code IS NULL AND l.signal IS NULL;

-- name: outside_sessions
-- Sessions that go on, for commands of this plan ($2) that are gone: who dies while the server works for
-- him leaves his statement to it. Each command names its sessions (PGAPPNAME) by the process number and
-- the start that the journal has of it; the name is shown to every role, what a session does is not. One
-- that is idle ends by itself, or belongs to a pooler or a daemon; but in the second in which the command
-- ended its last words may still be unread. $1: only those of this list; NULL: all. Answers: count, list,
-- sessions (which they are, for people).
SELECT count(*) AS count, coalesce(array_agg(l.session), '{}') AS list,
       coalesce(string_agg(l.words, '; ' ORDER BY l.backend_start, l.pid), '') AS sessions
  FROM (SELECT DISTINCT a.pid, a.backend_start, format('%s of %s', a.pid, a.backend_start) AS session,
               format('pid %s of step %s%s: %s', a.pid, s.name,
                      ' since ' || to_char(a.query_start, 'YYYY-MM-DD HH24:MI:SS'),
                      CASE WHEN a.state IS NULL THEN 'what it does is not shown to this role'
                           WHEN a.state LIKE 'idle%' THEN a.state
                           -- words of the language alone: a name or a value may hold anything
                           ELSE coalesce(upper(regexp_replace(substring(
                                    regexp_replace(a.query,
                                        '^(?:\s|--[^\n]*\n|/\*[^*]*\*+(?:[^/*][^*]*\*+)*/)+', '')
                                    from '(?i)^(?:(?:alter|create|drop|refresh|reindex)\s+)?[a-z]{1,20}'),
                                    '\s+', ' ', 'g')), 'a statement') END) AS words
          FROM tenantdeck.child c
          JOIN tenantdeck.step s ON s.id = c.step
          JOIN tenantdeck.run r ON r.id = c.run
          JOIN tenantdeck.plan p ON p.id = r.plan AND p.name = $2::jsonb ->> 'name'
          JOIN pg_stat_activity a ON starts_with(a.application_name, 'tenantdeck-child ')
               AND split_part(a.application_name, ' ', 2) = concat(c.pid, ':', c.start_ticks)
         WHERE c.kind = 'process' AND c.ended_at IS NOT NULL
           AND a.backend_type IS DISTINCT FROM 'parallel worker'
           AND (a.state IS DISTINCT FROM 'idle'
                OR c.ended_at > clock_timestamp() - interval '1 second')) AS l
 WHERE $1::text[] IS NULL OR l.session = ANY ($1::text[]);
