-- May it be taken back? Asked before the first undo statement: what an undo record would restore must
-- still hold with the rows that are there now, and nobody else may have built on what would go.

-- name: check_undo
-- Looks at every undo record that plan $1 keeps: is an old key still unique, does an old foreign key
-- still hold, do numbers fit an old type, and which objects of others stand on our columns and keys;
-- their definitions are in the samples, since what stands on a dropped column goes with it. $2 is the
-- mode. The document may say what of it would be taken back: under "undo" the names of the `steps`
-- (else all) and whether the data stays (`preserve`). Answers checks: check_group, check_name, subject, severity, verdict (NULL: query decides),
-- count, message, samples, query (answers verdict, count, message, samples), fix.
WITH plan AS MATERIALIZED (
    SELECT given.doc, given.doc ->> 'name' AS name, given.mode, given.doc -> 'undo' -> 'steps' AS steps,
           coalesce((given.doc -> 'undo' ->> 'preserve')::boolean, false) AS preserve
      FROM (SELECT $1::jsonb AS doc, $2::text AS mode) AS given
), recorded AS MATERIALIZED (
    SELECT u.id, s.name AS step, u.object_type AS type, u.object, u.definition, u.statement
      FROM plan
      JOIN tenantdeck.undo u ON u.plan = plan.name AND u.state = 'kept'
      JOIN tenantdeck.step s ON s.id = u.step
      JOIN tenantdeck.meta m ON m.generation = u.generation
), kept AS MATERIALIZED ( -- of that, what would be taken back now
    SELECT r.*
      FROM recorded r CROSS JOIN plan
     WHERE (plan.steps IS NULL OR plan.steps ? r.step)
       AND NOT (plan.preserve AND r.type IN ('table column', 'table rows', 'mapping'))
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
), old_row AS ( -- values that are kept of columns that were there before
    SELECT k.id, format('%I.%I', p.schema, o.unit) AS relation,
           (SELECT string_agg(quote_ident(c.name), ', ') FROM jsonb_object_keys(o.value) AS c (name)) AS list
      FROM (SELECT plan.name, plan.doc ->> 'schema' AS schema FROM plan) AS p
     CROSS JOIN LATERAL (SELECT DISTINCT ON (v.unit) v.unit, v.value
                           FROM tenantdeck.old_value v WHERE v.plan = p.name ORDER BY v.unit) AS o
      JOIN kept k ON k.type = 'table rows'
                 AND k.object = format('old values of %I.%I', p.schema, o.unit)
), gone AS ( -- a table, or a column, that somebody has dropped or renamed since
    SELECT n.id,
           CASE WHEN to_regclass(n.relation) IS NULL THEN format('there is no table %s', n.relation)
                ELSE format('%s has no column %s', n.relation, c.name) END AS reason
      FROM (SELECT id, relation, list FROM old_key
             UNION ALL SELECT id, relation, list FROM old_reference
             UNION ALL SELECT id, target, target_list FROM old_reference
             UNION ALL SELECT id, relation, list FROM old_type
             UNION ALL SELECT id, relation, list FROM old_row) AS n
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
), restoring AS MATERIALIZED ( -- tables whose old values would be put back
    SELECT k.id, p.part[1] AS relation, to_regclass(p.part[1]) AS oid, p.part[3] AS condition,
           ARRAY(SELECT a.attname
                   FROM pg_attribute a
                  WHERE a.attrelid = to_regclass(p.part[1]) AND a.attnum > 0 AND NOT a.attisdropped
                    AND strpos(', ' || p.part[2], format(', %I = (o.value ->> ', a.attname)) > 0)
               AS columns
      FROM kept k
     CROSS JOIN LATERAL (
           SELECT regexp_match(k.statement, 'UPDATE ONLY (.+?) AS t SET (.+?)\n  FROM '
                               'tenantdeck\.old_value AS o\n WHERE (.+?);\nDELETE FROM ') AS part) AS p
     WHERE k.type = 'table rows' AND k.definition = 'tenantdeck.old_value'
), bound AS MATERIALIZED ( -- foreign keys that stay, and hold values that would change
    SELECT f.oid, f.conname AS name, f.conrelid AS child, f.confrelid AS parent,
           f.conrelid::regclass::text AS child_name, f.confrelid::regclass::text AS parent_name,
           f.conkey, f.confkey
      FROM pg_constraint f
     CROSS JOIN LATERAL pg_identify_object('pg_constraint'::regclass, f.oid, 0) AS i
     WHERE f.contype = 'f' AND f.convalidated
       AND NOT EXISTS (SELECT 1 FROM kept k
                        WHERE k.type = 'table constraint' AND k.object = i.identity)
       AND EXISTS (SELECT 1
                     FROM restoring r
                     JOIN pg_attribute a ON a.attrelid = r.oid AND a.attname = ANY (r.columns)
                    WHERE (r.oid = f.conrelid AND a.attnum = ANY (f.conkey))
                       OR (r.oid = f.confrelid AND a.attnum = ANY (f.confkey)))
), side AS ( -- both tables of each, as they would be
    SELECT b.oid, t.is_child,
           CASE WHEN r.id IS NULL THEN t.relation::regclass::text
                ELSE format('(SELECT %s FROM ONLY %s AS t LEFT JOIN tenantdeck.old_value AS o ON %s)',
                            string_agg(DISTINCT CASE WHEN a.attname = ANY (r.columns)
                                 THEN format('CASE WHEN o.key IS NULL THEN t.%1$I ELSE '
                                             '(o.value ->> %1$L)::%2$s END AS %1$I', a.attname,
                                             format_type(a.atttypid, a.atttypmod))
                                 ELSE format('t.%I', a.attname) END, ', '), r.relation, r.condition)
                END AS relation
      FROM bound b
     CROSS JOIN LATERAL (VALUES (true, b.child, b.conkey), (false, b.parent, b.confkey))
                        AS t (is_child, relation, key)
      JOIN pg_attribute a ON a.attrelid = t.relation AND a.attnum = ANY (t.key)
      LEFT JOIN restoring r ON r.oid = t.relation
     GROUP BY b.oid, t.is_child, t.relation, r.id, r.relation, r.condition
), held AS ( -- a row written since may be left alone by the old values
    SELECT b.oid AS id, 'old values hold together' AS check_name,
           format('%I on %s', b.name, b.child_name) AS object,
           format('SELECT %s FROM %s AS c WHERE %s AND NOT EXISTS (SELECT FROM %s AS p WHERE %s)',
                  k.list, c.relation, k.whole, p.relation, k.alike) AS query,
           format('%I would hold with the old values of %s', b.name, b.parent_name) AS good,
           format('rows of %s, written since, would lead nowhere by %I when %s has its old values again',
                  b.child::regclass, b.name, b.parent_name) AS bad
      FROM bound b
      JOIN side c ON c.oid = b.oid AND c.is_child
      JOIN side p ON p.oid = b.oid AND NOT p.is_child
     CROSS JOIN LATERAL (
           SELECT string_agg(format('c.%I', ours.attname), ', ' ORDER BY n.place) AS list,
                  string_agg(format('c.%I IS NOT NULL', ours.attname), ' AND ' ORDER BY n.place) AS whole,
                  string_agg(format('c.%I = p.%I', ours.attname, theirs.attname), ' AND '
                             ORDER BY n.place) AS alike
             FROM unnest(b.conkey, b.confkey) WITH ORDINALITY AS n (ours, theirs, place)
             JOIN pg_attribute ours ON ours.attrelid = b.child AND ours.attnum = n.ours
             JOIN pg_attribute theirs ON theirs.attrelid = b.parent AND theirs.attnum = n.theirs) AS k
), quiet AS ( -- may this role keep triggers from firing? Asked by the check itself: see its version
    SELECT CASE WHEN current_setting('server_version_num')::integer >= 150000
                THEN 'has_parameter_privilege(''session_replication_role'', ''SET'')'
                ELSE '(SELECT r.rolsuper FROM pg_roles AS r WHERE r.rolname = current_user)' END AS asked
), loud AS ( -- what would fire, or be checked row by row, when old values are put back
    SELECT 1 AS turn, 'triggers stay quiet' AS check_name, count(*) AS count,
           string_agg(format('%s: %s', t.tgrelid::regclass, t.tgname), ', '
                      ORDER BY t.tgrelid::regclass::text, t.tgname) AS names,
           'triggers of the application would fire while old values are put back, since this role may '
           'not set session_replication_role: ' AS reason
      FROM pg_trigger t
      JOIN pg_proc p ON p.oid = t.tgfoid
      JOIN pg_namespace n ON n.oid = p.pronamespace AND n.nspname <> 'tenantdeck'
     WHERE t.tgrelid IN (SELECT r.oid FROM restoring r) AND NOT t.tgisinternal
       AND t.tgenabled IN ('O', 'A') AND t.tgtype & 16 <> 0
     UNION ALL
    SELECT 2, 'foreign keys wait', count(*), string_agg(format('%I on %s', b.name, b.child_name), ', '
                                                        ORDER BY b.child_name, b.name),
           'foreign keys would be asked before both their tables have the old values, since this role '
           'may not set session_replication_role: '
      FROM bound b
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
), alien AS ( -- what of that stays: it is somebody else's, or of a step that is not taken back
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
           END AS definition,
           (SELECT min(r.step) FROM recorded r
             WHERE r.type = i.type AND r.object = i.identity) AS step
      FROM depending d
     CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, d.objsubid) AS i
     WHERE NOT EXISTS (SELECT 1 FROM kept k WHERE k.type = i.type AND k.object = i.identity)
     GROUP BY d.classid, d.objid, d.objsubid, i.type, i.identity
), pattern AS ( -- of a check that reads rows: those that would be in the way
    SELECT 'SELECT CASE count(*) WHEN 0 THEN ''pass'' ELSE ''fail'' END AS verdict, '
           'count(*) AS count, CASE count(*) WHEN 0 THEN %L ELSE %L END AS message, '
           'coalesce(jsonb_agg(s.sample) FILTER (WHERE s.place <= 5), ''[]'') AS samples '
           'FROM (SELECT row_number() OVER () AS place, to_jsonb(f) AS sample FROM (%s) AS f) AS s'
           AS text
), finding AS (
    SELECT 1 AS turn, a.id, a.check_name, a.object AS subject, 'error' AS severity,
           NULL AS verdict, NULL::bigint AS count, NULL AS message, NULL::jsonb AS samples,
           format(pattern.text, a.good, a.bad, a.query) AS query,
           NULL AS fix
      FROM asked a CROSS JOIN pattern
     WHERE NOT EXISTS (SELECT 1 FROM gone g WHERE g.id = a.id)
     UNION ALL
    SELECT 1, h.id, h.check_name, h.object, 'error', NULL, NULL, NULL, NULL, judging.query, NULL
      FROM held h
     CROSS JOIN LATERAL (SELECT format(pattern.text, h.good, h.bad, h.query) AS query FROM pattern)
           AS judging
     UNION ALL
    SELECT 1, l.turn, l.check_name, plan.name, 'error', NULL, NULL, NULL, NULL,
           format('SELECT CASE WHEN quiet THEN ''pass'' ELSE ''fail'' END AS verdict, '
                  '%1$s AS count, CASE WHEN quiet THEN ''nothing fires while old values are put back'' '
                  'ELSE %2$L END AS message, ''[]''::jsonb AS samples FROM (SELECT %3$s AS quiet) AS r',
                  l.count, l.reason || l.names, quiet.asked), NULL
      FROM loud l CROSS JOIN plan CROSS JOIN quiet
     WHERE l.count > 0
     UNION ALL
    SELECT 1, k.id, 'what it was on is there', k.object, 'error', 'fail', 1,
           (SELECT string_agg(DISTINCT g.reason, '; ') FROM gone g WHERE g.id = k.id)
           || ', so that what was on it cannot come back', NULL, NULL,
           'make it again, as it was and be it empty, or say: tenantdeck backup restore'
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
                       WHEN a.step IS NOT NULL
                       THEN '%s %s stands on %s, and step %L, which made it, is not taken back'
                       ELSE '%s %s stands on %s; drop it first, its definition is in the samples' END,
                  a.type, a.identity, a.objects, a.step),
           jsonb_build_array(jsonb_build_object('object', a.identity, 'definition', a.definition)),
           NULL,
           CASE WHEN a.step IS NULL THEN CASE a.type
               WHEN 'view' THEN 'DROP VIEW ' || a.identity
               WHEN 'materialized view' THEN 'DROP MATERIALIZED VIEW ' || a.identity
               WHEN 'policy' THEN 'DROP POLICY ' || a.identity
               WHEN 'trigger' THEN 'DROP TRIGGER ' || a.identity
               WHEN 'index' THEN 'DROP INDEX CONCURRENTLY ' || a.identity
               WHEN 'table constraint' THEN
                   regexp_replace(a.identity, format('^(%s) on (.*)$', word.name),
                                  'ALTER TABLE \2 DROP CONSTRAINT \1')
               WHEN 'function' THEN 'DROP FUNCTION ' || a.identity
           END || ';' END
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
