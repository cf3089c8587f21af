-- May it be taken back? Asked before the first undo statement: what an undo record would restore must
-- still hold with the rows that are there now, and nobody else may have built on what would go.

-- name: check_undo
-- Looks at every undo record that plan $1 keeps: is an old key still unique, does an old foreign key
-- still hold, do numbers fit an old type, and which objects of others stand on our columns and keys;
-- their definitions are in the samples, since what stands on a dropped column goes with it. $2 is the
-- mode. Answers checks: check_group, check_name, subject, severity, verdict (NULL: query decides),
-- count, message, samples, query (answers verdict, count, message, samples), fix.
WITH plan AS MATERIALIZED (
    SELECT given.doc, given.doc ->> 'name' AS name, given.mode
      FROM (SELECT $1::jsonb AS doc, $2::text AS mode) AS given
), kept AS MATERIALIZED (
    SELECT u.id, u.object_type AS type, u.object, u.definition
      FROM plan
      JOIN tenantdeck.undo u ON u.plan = plan.name AND u.state = 'kept'
      JOIN tenantdeck.meta m ON m.generation = u.generation
), word AS ( -- a name as quote_ident() writes it, several, and one with its schema
    SELECT name, format('%1$s(?:, %1$s)*', name) AS list, format('%1$s\.%1$s', name) AS qualified
      FROM (SELECT '(?:"(?:[^"]|"")*"|[a-z_][a-z0-9_]*)' AS name) AS one
), old_key AS ( -- what was unique
    SELECT k.id, k.object, k.definition, coalesce(c.part[2], i.part[2]) AS list,
           coalesce(substring(k.object FROM format('^%s on (.*)$', word.name)), i.part[1]) AS relation,
           coalesce(c.part[1] LIKE 'PRIMARY KEY%', false) AS is_primary,
           coalesce(c.part[1], i.part[3], '') LIKE '%NULLS NOT DISTINCT' AS nulls_alike,
           i.part[4] AS condition
      FROM kept k
     CROSS JOIN word
      LEFT JOIN LATERAL (
           SELECT regexp_match(k.definition,
                      format('^(PRIMARY KEY|UNIQUE|UNIQUE NULLS NOT DISTINCT) \((%s)\)', word.list))
                      AS part
            WHERE k.type = 'table constraint') AS c ON true
      LEFT JOIN LATERAL (
           SELECT regexp_match(k.definition,
                      format('^CREATE UNIQUE INDEX %s ON (%s) USING btree \((%s)\)'
                             '(?: INCLUDE \(%s\))?( NULLS NOT DISTINCT)?(?: WITH \([^)]*\))?'
                             '(?: WHERE (.*))?$',
                             word.name, word.qualified, word.list, word.list)) AS part
            WHERE k.type = 'index') AS i ON true
     WHERE (k.type = 'table constraint' AND k.definition ~ '^(PRIMARY KEY|UNIQUE)')
        OR (k.type = 'index' AND k.definition LIKE 'CREATE UNIQUE INDEX %')
), old_reference AS (
    SELECT k.id, k.object, p.part[1] AS list, p.part[2] AS target, p.part[3] AS target_list,
           substring(k.object FROM format('^%s on (.*)$', word.name)) AS relation
      FROM kept k
     CROSS JOIN word
     CROSS JOIN LATERAL (
           SELECT regexp_match(k.definition,
                      format('^FOREIGN KEY \((%s)\) REFERENCES (%s)\((%s)\)', word.list,
                             word.qualified, word.list)) AS part) AS p
     WHERE k.type = 'table constraint' AND k.definition LIKE 'FOREIGN KEY %'
       AND k.definition NOT LIKE '% NOT VALID'
), old_type AS ( -- of columns that were made wider
    SELECT k.id, k.object, k.definition, p.part[1] AS relation, p.part[2] AS list
      FROM kept k
     CROSS JOIN word
     CROSS JOIN LATERAL (
           SELECT regexp_match(k.object, format('^(%s)\.(%s)$', word.qualified, word.name)) AS part)
           AS p
     WHERE k.type = 'column type' AND k.definition IN ('smallint', 'integer')
), gone AS ( -- a table, or a column, that somebody has dropped or renamed since
    SELECT n.id,
           CASE WHEN to_regclass(n.relation) IS NULL THEN format('there is no table %s', n.relation)
                ELSE format('%s has no column %s', n.relation, c.name) END AS reason
      FROM (SELECT id, relation, list FROM old_key
             UNION ALL SELECT id, relation, list FROM old_reference
             UNION ALL SELECT id, target, target_list FROM old_reference
             UNION ALL SELECT id, relation, list FROM old_type) AS n
     CROSS JOIN word
     CROSS JOIN LATERAL regexp_matches(n.list, word.name, 'g') AS found (part)
     CROSS JOIN LATERAL (SELECT found.part[1] AS name) AS c
     WHERE NOT EXISTS (SELECT 1 FROM pg_attribute a
                        WHERE a.attrelid = to_regclass(n.relation) AND a.attnum > 0
                          AND NOT a.attisdropped AND quote_ident(a.attname) = c.name)
), asked AS ( -- checks that read rows
    SELECT k.id, 'an old key is unique' AS check_name, k.object, k.relation,
           format('SELECT %1$s, count(*) AS times FROM %2$s%3$s GROUP BY %1$s HAVING count(*) > 1%4$s',
                  k.list, k.relation,
                  nullif(concat_ws(' AND ', ' WHERE true', '(' || k.condition || ')',
                                   CASE WHEN NOT k.is_primary AND NOT k.nulls_alike
                                        THEN format('ROW(%s) IS NOT NULL', k.list) END),
                         ' WHERE true'),
                  CASE WHEN k.is_primary
                       THEN format(' OR NOT ROW(%s) IS NOT NULL', k.list) ELSE '' END) AS query,
           format('%s would be unique again: no two rows are alike', k.object) AS good,
           format('%s could not be unique again: values that stand in more than one row, or are NULL',
                  k.object) AS bad
      FROM old_key k WHERE k.list IS NOT NULL
     UNION ALL
    SELECT r.id, 'an old foreign key holds', r.object, r.relation,
           format('SELECT %s FROM %s WHERE ROW(%s) IS NOT NULL EXCEPT SELECT %s FROM %s', r.list,
                  r.relation, r.list, r.target_list, r.target),
           format('%s would hold again', r.object),
           format('%s could not hold again: values that %s does not have', r.object, r.target)
      FROM old_reference r WHERE r.list IS NOT NULL
     UNION ALL
    SELECT t.id, 'numbers fit an old type', t.object, t.relation,
           format('SELECT %s FROM %s WHERE %s > %s OR %s < -%s', t.list, t.relation, t.list,
                  l.highest, t.list, l.highest + 1),
           format('%s fits %s', t.object, t.definition),
           format('%s holds numbers that %s cannot', t.object, t.definition)
      FROM old_type t
     CROSS JOIN LATERAL (SELECT CASE t.definition WHEN 'smallint' THEN 32767
                                     ELSE 2147483647 END::bigint AS highest) AS l
     WHERE t.list IS NOT NULL
), ours AS MATERIALIZED ( -- what would go: our columns and keys
    SELECT 'pg_class'::regclass AS classid, a.attrelid AS objid, a.attnum::integer AS objsubid,
           k.object
      FROM kept k
      JOIN plan ON true
      JOIN pg_namespace n ON n.nspname = plan.doc ->> 'schema'
      JOIN pg_class c ON c.relnamespace = n.oid AND c.relkind IN ('r', 'p')
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                         AND format('%I.%I.%I', n.nspname, c.relname, a.attname) = k.object
     WHERE k.type = 'table column'
     UNION ALL
    SELECT x.classid, x.objid, 0, k.object
      FROM kept k
      JOIN plan ON true
      JOIN pg_namespace n ON n.nspname = plan.doc ->> 'schema'
      JOIN pg_constraint c ON c.connamespace = n.oid AND c.contype IN ('p', 'u')
     CROSS JOIN LATERAL (VALUES ('pg_constraint'::regclass, c.oid),
                                ('pg_class'::regclass, c.conindid)) AS x (classid, objid)
     WHERE k.type = 'table constraint'
       AND k.object = (pg_identify_object('pg_constraint'::regclass, c.oid, 0)).identity
     UNION ALL
    SELECT 'pg_class'::regclass, c.oid, 0, k.object
      FROM kept k
      JOIN plan ON true
      JOIN pg_namespace n ON n.nspname = plan.doc ->> 'schema'
      JOIN pg_class c ON c.relnamespace = n.oid AND c.relkind = 'i'
     WHERE k.type = 'index' AND k.object = format('%I.%I', n.nspname, c.relname)
), depending AS ( -- a view stands for its rule, a generated column for its expression
    SELECT o.object,
           CASE WHEN d.deptype = 'n' THEN 'n' ELSE 'a' END AS how,
           CASE WHEN w.oid IS NULL THEN coalesce(e.classid, d.classid)
                ELSE 'pg_class'::regclass END AS classid,
           coalesce(w.ev_class, e.objid, d.objid) AS objid,
           coalesce(e.objsubid, d.objsubid) AS objsubid
      FROM ours o
      JOIN pg_depend d ON d.refclassid = o.classid AND d.refobjid = o.objid
                      AND d.refobjsubid = o.objsubid AND d.deptype IN ('n', 'a')
      LEFT JOIN pg_rewrite w ON d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid
      LEFT JOIN LATERAL (SELECT 'pg_class'::regclass AS classid, f.adrelid AS objid,
                                f.adnum::integer AS objsubid
                           FROM pg_attrdef f
                          WHERE d.classid = 'pg_attrdef'::regclass AND f.oid = d.objid
                            AND f.adnum <> o.objsubid) AS e ON true
     WHERE NOT (d.classid = 'pg_attrdef'::regclass AND e.objid IS NULL)
), alien AS ( -- what of that nobody recorded: it is somebody else's
    SELECT i.type, i.identity, min(d.how) = 'a' AND max(d.how) = 'a' AS goes_silently,
           string_agg(DISTINCT d.object, ', ') AS objects,
           CASE d.classid
               WHEN 'pg_class'::regclass THEN
                   (SELECT CASE c.relkind
                               WHEN 'i' THEN pg_get_indexdef(c.oid)
                               WHEN 'v' THEN format('CREATE VIEW %s AS%s%s', i.identity, E'\n',
                                                    pg_get_viewdef(c.oid))
                               WHEN 'm' THEN format('CREATE MATERIALIZED VIEW %s AS%s%s', i.identity,
                                                    E'\n', pg_get_viewdef(c.oid))
                               ELSE (SELECT pg_get_expr(f.adbin, f.adrelid) FROM pg_attrdef f
                                      WHERE f.adrelid = c.oid AND f.adnum = d.objsubid) END
                      FROM pg_class c WHERE c.oid = d.objid)
               WHEN 'pg_constraint'::regclass THEN pg_get_constraintdef(d.objid)
               WHEN 'pg_trigger'::regclass THEN pg_get_triggerdef(d.objid)
               WHEN 'pg_statistic_ext'::regclass THEN pg_get_statisticsobjdef(d.objid)
               WHEN 'pg_proc'::regclass THEN pg_get_functiondef(d.objid)
               WHEN 'pg_policy'::regclass THEN
                   (SELECT format('CREATE POLICY %I ON %s%s FOR %s%s%s', p.polname,
                                  p.polrelid::regclass,
                                  CASE WHEN p.polpermissive THEN '' ELSE ' AS RESTRICTIVE' END,
                                  CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT'
                                                WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE'
                                                ELSE 'ALL' END,
                                  ' USING (' || pg_get_expr(p.polqual, p.polrelid) || ')',
                                  ' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')')
                      FROM pg_policy p WHERE p.oid = d.objid)
           END AS definition
      FROM depending d
     CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, d.objsubid) AS i
     WHERE NOT EXISTS (SELECT 1 FROM kept k WHERE k.type = i.type AND k.object = i.identity)
     GROUP BY d.classid, d.objid, d.objsubid, i.type, i.identity
), finding AS (
    SELECT 1 AS turn, a.id, a.check_name, a.object AS subject, 'error' AS severity,
           NULL AS verdict, NULL::bigint AS count, NULL AS message, NULL::jsonb AS samples,
           format('SELECT CASE count(*) WHEN 0 THEN ''pass'' ELSE ''fail'' END AS verdict, '
                  'count(*) AS count, CASE count(*) WHEN 0 THEN %L ELSE %L END AS message, '
                  'coalesce(jsonb_agg(s.sample) FILTER (WHERE s.place <= 5), ''[]'') AS samples '
                  'FROM (SELECT row_number() OVER () AS place, to_jsonb(f) AS sample FROM (%s) AS f) '
                  'AS s', a.good, a.bad, a.query) AS query,
           NULL AS fix
      FROM asked a
     WHERE NOT EXISTS (SELECT 1 FROM gone g WHERE g.id = a.id)
     UNION ALL
    SELECT 1, k.id, 'what it was on is there', k.object, 'error', 'fail', 1,
           (SELECT string_agg(DISTINCT g.reason, '; ') FROM gone g WHERE g.id = k.id)
           || ', so that what was on it cannot come back', NULL, NULL, NULL
      FROM kept k WHERE k.id IN (SELECT id FROM gone)
     UNION ALL
    SELECT 2, k.id, 'an old key is unique', k.object, 'warn', 'unknown', NULL,
           format('%s is made of expressions; only building it tells whether it is still unique',
                  k.object), NULL, NULL, k.definition
      FROM old_key k WHERE k.list IS NULL
     UNION ALL
    SELECT 3, 0, 'nobody has built on it', a.identity,
           CASE WHEN a.goes_silently THEN 'warn' ELSE 'error' END,
           CASE WHEN a.goes_silently THEN 'warn' ELSE 'fail' END, 1,
           format(CASE WHEN a.goes_silently
                       THEN '%s %s would go with %s; its definition is in the samples'
                       ELSE '%s %s stands on %s; drop it first, its definition is in the samples' END,
                  a.type, a.identity, a.objects),
           jsonb_build_array(jsonb_build_object('object', a.identity, 'definition', a.definition)),
           NULL,
           CASE a.type
               WHEN 'view' THEN 'DROP VIEW ' || a.identity
               WHEN 'materialized view' THEN 'DROP MATERIALIZED VIEW ' || a.identity
               WHEN 'policy' THEN 'DROP POLICY ' || a.identity
               WHEN 'trigger' THEN 'DROP TRIGGER ' || a.identity
               WHEN 'index' THEN 'DROP INDEX CONCURRENTLY ' || a.identity
               WHEN 'table constraint' THEN
                   regexp_replace(a.identity, format('^(%s) on (.*)$', word.name),
                                  'ALTER TABLE \2 DROP CONSTRAINT \1')
               WHEN 'function' THEN 'DROP FUNCTION ' || a.identity
           END || ';'
      FROM alien a CROSS JOIN word
     UNION ALL
    SELECT 3, 0, 'nobody has built on it', plan.name, 'error', 'pass', 0,
           'no object of others stands on the columns and keys that would go', NULL, NULL, NULL
      FROM plan WHERE NOT EXISTS (SELECT 1 FROM alien)
)
SELECT 'undo' AS check_group, f.check_name, f.subject, f.severity, f.verdict, f.count, f.message,
       coalesce(f.samples, '[]') AS samples, f.query, f.fix
  FROM finding f
 ORDER BY f.turn, f.id, f.subject;
