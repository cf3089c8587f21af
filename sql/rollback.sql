-- A rollback, seen from outside of it: what is found now, how long things took, and whether what was
-- taken back is really gone. Nothing here changes anything.

-- name: undo_proof
-- Is what record $1 speaks of as it was before? Asked right after its statement, of the catalog and not of
-- what that statement answered. Answers: proven (NULL: the catalog cannot tell), shown (what stands there
-- now; NULL: nothing), expected (what was there before; NULL: nothing).
WITH record AS (
    SELECT u.object_type AS type, u.object, u.definition, u.plan,
           u.statement LIKE 'CREATE %' AS makes_it
      FROM tenantdeck.undo u WHERE u.id = $1::bigint
), shown AS (
    SELECT r.*,
           CASE
           WHEN r.type IN ('table column', 'column type') THEN
               (SELECT format_type(a.atttypid, a.atttypmod)
                  FROM pg_attribute a
                  JOIN pg_class c ON c.oid = a.attrelid
                  JOIN pg_namespace n ON n.oid = c.relnamespace
                 WHERE a.attnum > 0 AND NOT a.attisdropped
                   AND format('%I.%I.%I', n.nspname, c.relname, a.attname) = r.object)
           WHEN r.type = 'column not null' THEN
               (SELECT 'NOT NULL'
                  FROM pg_attribute a
                  JOIN pg_class c ON c.oid = a.attrelid
                  JOIN pg_namespace n ON n.oid = c.relnamespace
                 WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attnotnull
                   AND format('%I.%I.%I', n.nspname, c.relname, a.attname) = r.object)
           WHEN r.type = 'table constraint' THEN
               (SELECT pg_get_constraintdef(c.oid)
                  FROM pg_constraint c
                 WHERE (pg_identify_object('pg_constraint'::regclass, c.oid, 0)).identity = r.object)
           WHEN r.type = 'foreign key proof' THEN -- NULL: it was proved, and is
               (SELECT 'not proved'
                  FROM pg_constraint c
                 WHERE NOT c.convalidated
                   AND (pg_identify_object('pg_constraint'::regclass, c.oid, 0)).identity = r.object)
           WHEN r.type IN ('index', 'lookup index') THEN
               (SELECT pg_get_indexdef(i.indexrelid)
                       || CASE WHEN i.indisvalid AND i.indisready THEN '' ELSE ' INVALID' END
                  FROM pg_index i
                  JOIN pg_class c ON c.oid = i.indexrelid
                  JOIN pg_namespace n ON n.oid = c.relnamespace
                 WHERE format('%I.%I', n.nspname, c.relname) = r.object)
           WHEN r.type IN ('trigger', 'trigger dropped') THEN
               (SELECT pg_get_triggerdef(t.oid)
                  FROM pg_trigger t
                 WHERE NOT t.tgisinternal
                   AND (pg_identify_object('pg_trigger'::regclass, t.oid, 0)).identity = r.object)
           WHEN r.type IN ('function', 'function dropped', 'procedure') THEN
               (SELECT pg_get_functiondef(p.oid)
                  FROM pg_proc p
                 WHERE p.prokind IN ('f', 'p', 'w')
                   AND (pg_identify_object('pg_proc'::regclass, p.oid, 0)).identity = r.object)
           WHEN r.type = 'materialized view' THEN
               (SELECT 'is there' FROM pg_class c WHERE c.oid = to_regclass(r.object))
           WHEN r.type = 'mapping' THEN
               (SELECT format('%s codes', count(*))
                  FROM tenantdeck.mapping m WHERE m.plan = r.plan HAVING count(*) > 0)
           WHEN r.type = 'table rows' THEN -- those that are still kept to be put back, or aside
               (SELECT format('%s rows', count(*))
                  FROM (SELECT format('old values of %I.%I', n.nspname, o.unit) AS object
                          FROM tenantdeck.old_value o
                          JOIN pg_class c ON c.relname = o.unit
                          JOIN pg_namespace n ON n.oid = c.relnamespace
                         WHERE o.plan = r.plan
                         UNION ALL
                        SELECT format('parked rows of %I.%I', n.nspname, q.unit)
                          FROM tenantdeck.parked q
                          JOIN pg_class c ON c.relname = q.unit
                          JOIN pg_namespace n ON n.oid = c.relnamespace
                         WHERE q.plan = r.plan) AS kept
                 WHERE kept.object = r.object HAVING count(*) > 0)
           END AS now
      FROM record r
)
SELECT CASE
       WHEN s.type IN ('distribution', 'command', 'restore', 'keys') THEN NULL
       WHEN s.type IN ('column not null', 'foreign key proof', 'mapping', 'table rows')
       THEN s.now IS NULL
       WHEN s.makes_it AND s.definition IS NULL THEN s.now IS NOT NULL AND s.now NOT LIKE '% INVALID'
       WHEN s.definition IS NULL THEN s.now IS NULL
       WHEN s.type = 'materialized view' THEN s.now IS NOT NULL
       -- A foreign key comes back bound at once; another record proves it.
       WHEN s.type = 'table constraint'
       THEN regexp_replace(s.now, ' NOT VALID$', '') IS NOT DISTINCT FROM
            regexp_replace(s.definition, ' NOT VALID$', '')
       ELSE rtrim(s.now, E'\n') IS NOT DISTINCT FROM rtrim(s.definition, E'\n') END AS proven,
       s.now AS shown, s.definition AS expected
  FROM shown s;

-- name: undo_unfinished
-- The steps that the newest run of plan $1 has not come to the end of, if that run is a rollback: one that
-- was killed may have taken everything back, and not said so. Answers: name.
SELECT s.name
  FROM tenantdeck.run r
  JOIN tenantdeck.step s ON s.run = r.id
 WHERE r.id = (SELECT max(n.id)
                 FROM tenantdeck.run n
                 JOIN tenantdeck.plan p ON p.id = n.plan AND p.name = $1
                 JOIN tenantdeck.meta m ON m.generation = n.generation
                WHERE n.verb NOT IN ('validate', 'preflight', 'report'))
   AND r.verb = 'rollback' AND r.state <> 'undone' AND s.state <> 'undone';

-- name: undo_steps
-- How the steps of plan $1 stand, and what is known of the time that they took. Answers: name, state and
-- run (of its last word), ended_at (ms since 1970; -1), doing_ms (the longest that it took to do; -1),
-- undoing_ms (the longest that it took to take back before; -1), objects (what it has kept records of, as
-- text), builds (taking it back builds, reads or writes something, and not only drops), needs (a sentence
-- of each outside command that only a restore takes back; NULL).
WITH told AS (
    SELECT s.name, s.state, s.run, s.ended_at, r.verb = 'rollback' AS is_undo,
           (extract(epoch FROM s.ended_at - s.started_at) * 1000)::bigint AS ms
      FROM tenantdeck.step s
      JOIN tenantdeck.run r ON r.id = s.run
      JOIN tenantdeck.plan p ON p.id = r.plan AND p.name = $1
      JOIN tenantdeck.meta m ON m.generation = r.generation
), last AS (
    SELECT DISTINCT ON (t.name) t.name, t.state, t.run, t.ended_at
      FROM told t
     ORDER BY t.name, t.state = 'waits', t.run DESC
), kept AS (
    SELECT s.name, u.object_type AS type, count(*) AS objects,
           bool_or(u.statement ~ 'CREATE (UNIQUE )?INDEX|CREATE MATERIALIZED|VALIDATE|UPDATE ONLY|'
                                 'undistribute_table|ALTER COLUMN .* TYPE') AS builds,
           bool_or(u.object_type IN ('command', 'keys')) AS is_outside,
           string_agg(u.object || ': ' || u.statement, '; ' ORDER BY u.id)
               FILTER (WHERE u.object_type = 'restore') AS needs
      FROM tenantdeck.undo u
      JOIN tenantdeck.step s ON s.id = u.step
      JOIN tenantdeck.meta m ON m.generation = u.generation
     WHERE u.plan = $1 AND u.state = 'kept'
     GROUP BY s.name, u.object_type
)
SELECT l.name, l.state, l.run,
       coalesce((extract(epoch FROM l.ended_at) * 1000)::bigint, -1) AS ended_at,
       coalesce((SELECT max(t.ms) FROM told t
                  WHERE t.name = l.name AND NOT t.is_undo AND t.state = 'done'), -1) AS doing_ms,
       coalesce((SELECT max(t.ms) FROM told t
                  WHERE t.name = l.name AND t.is_undo AND t.state = 'undone'), -1) AS undoing_ms,
       (SELECT string_agg(format('%s %s', k.objects,
                                 CASE WHEN k.objects = 1 THEN coalesce(w.one, k.type)
                                      ELSE coalesce(w.many, k.type || 's') END),
                          ', ' ORDER BY k.type)
          FROM kept k
          LEFT JOIN (VALUES ('column not null', 'NOT NULL', 'NOT NULL'),
                            ('table constraint', 'key or foreign key', 'keys or foreign keys'),
                            ('table column', 'column', 'columns'),
                            ('table rows', 'table with old values', 'tables with old values'),
                            ('index', 'index', 'indexes'),
                            ('lookup index', 'lookup index', 'lookup indexes'),
                            ('mapping', 'mapping', 'mappings'),
                            ('restore', 'for a restore', 'for a restore'),
                            ('keys', 'key template', 'key templates')) AS w (type, one, many)
            ON w.type = k.type
         WHERE k.name = l.name) AS objects,
       (SELECT bool_or(k.builds OR k.is_outside) FROM kept k WHERE k.name = l.name) AS builds,
       (SELECT bool_or(k.is_outside) FROM kept k WHERE k.name = l.name) AS is_outside,
       (SELECT string_agg(k.needs, '; ') FROM kept k WHERE k.name = l.name) AS needs
  FROM last l;

-- name: undo_found
-- What the catalog has of the plan's columns ($1, as JSON) just now. Answers one row: tables (of the plan
-- that are there), columns (of the plan on them), wanted (how many there would be), nullable (of them,
-- those that may be NULL), run (the last one, in words; NULL: none), mode.
WITH planned AS (
    SELECT c.oid, w.name, a.attname IS NOT NULL AS is_there, NOT coalesce(a.attnotnull, false) AS nullable
      FROM jsonb_array_elements($1::jsonb -> 'tables') AS t (doc)
      JOIN pg_namespace n ON n.nspname = $1::jsonb ->> 'schema'
      JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = t.doc ->> 'name'
                     AND c.relkind IN ('r', 'p')
     CROSS JOIN jsonb_array_elements_text(t.doc -> 'columns') AS w (name)
      LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = w.name AND a.attnum > 0
                              AND NOT a.attisdropped
), newest AS (
    SELECT r.*
      FROM tenantdeck.run r
      JOIN tenantdeck.plan p ON p.id = r.plan AND p.name = $1::jsonb ->> 'name'
      JOIN tenantdeck.meta m ON m.generation = r.generation
     WHERE r.verb NOT IN ('validate', 'preflight', 'report')
     ORDER BY r.id DESC LIMIT 1
)
SELECT count(DISTINCT p.oid) AS tables,
       count(*) FILTER (WHERE p.is_there) AS columns,
       count(*) AS wanted,
       count(*) FILTER (WHERE p.is_there AND p.nullable) AS nullable,
       (SELECT format('run %s (%s) of %s@%s is %s, %s UTC, %s', n.id, n.verb, n.os_user, n.host, n.state,
                      to_char(coalesce(n.ended_at, n.started_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'),
                      n.mode) FROM newest n) AS run
  FROM planned p;

-- name: undo_database
-- The name of the database, as its backups note it.
SELECT current_database() AS name;
