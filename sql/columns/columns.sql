-- The plan's columns and the triggers that fill them for rows written from now on: statements that
-- generate statements. They take the plan as JSON ($1) and the mode ($2), read the catalog alone, and
-- answer the items of a step in the order to be done: unit (the table), part, done (the catalog has it
-- already), alone (must run outside of a transaction), statement, takes (its lock), records (what undo
-- runs, last first). tenantdeck-journal(7) tells of the records.
--
-- The triggers' functions belong to whoever runs the migration and work with that role's rights, since
-- the application's role may not read the mapping. They read the mapping, the table of the users and
-- the parent's table, and write nothing but tenantdeck.requeue. They must never fail, because then the
-- application's own statement would; a code that cannot be told stays empty, and step fill finds it.

-- name: work_columns
-- Adds the columns that are missing, and in mode online the trigger that fills them: on INSERT what is
-- NULL; when an UPDATE changes where a row's codes come from, all of them, unless the same UPDATE sets
-- them itself. A child takes what its parent has. Users who change their organization (or are written
-- for the first time) are put into tenantdeck.requeue, and so are rows that others take their codes
-- from: step fill looks at what hangs on them again. $1: the plan, $2: the mode, online or window.
-- Answers: unit, part, done, alone, statement, takes, records.
WITH plan AS MATERIALIZED (
    SELECT given.doc,
           given.doc ->> 'name' AS name,
           given.doc ->> 'schema' AS schema,
           n.oid AS schema_oid,
           given.doc -> 'mapping' AS mapping,
           $2::text = 'online' AND NOT coalesce((given.doc ->> 'distribute')::boolean, false)
               AS fills
      FROM (SELECT $1::jsonb AS doc) AS given
      JOIN pg_namespace n ON n.nspname = given.doc ->> 'schema'
), plan_column AS (
    SELECT c.doc ->> 'name' AS name, c.doc ->> 'type' AS type, c.doc ->> 'role' AS role, c.place
      FROM plan, jsonb_array_elements(plan.doc -> 'columns') WITH ORDINALITY AS c (doc, place)
), found AS MATERIALIZED ( -- the plan's tables that are there
    SELECT t.place, t.doc, t.doc ->> 'name' AS name, c.oid,
           t.doc ->> 'source' AS source,
           t.doc ->> 'source_column' AS source_column,
           t.doc ->> 'parent_table' AS parent_table,
           t.doc ->> 'parent_column' AS parent_column,
           t.doc ->> 'orphans' AS orphans,
           format('%I.%I', plan.schema, t.doc ->> 'name') AS relation,
           EXISTS (SELECT 1 FROM jsonb_array_elements(plan.doc -> 'tables') AS o (doc)
                    WHERE o.doc ->> 'parent_table' = t.doc ->> 'name') AS is_parent
      FROM plan
     CROSS JOIN jsonb_array_elements(plan.doc -> 'tables') WITH ORDINALITY AS t (doc, place)
      JOIN pg_class c ON c.relnamespace = plan.schema_oid AND c.relname = t.doc ->> 'name'
                     AND c.relkind = 'r'
)
-- include: match.sql

, addition AS MATERIALIZED ( -- a table's columns of the plan
    SELECT f.place, f.name AS unit, f.relation, w.number, c.name, c.type, c.role,
           a.name IS NOT NULL AS exists,
           format('%s.%I', f.relation, c.name) AS identity
      FROM found f
     CROSS JOIN jsonb_array_elements_text(f.doc -> 'columns') WITH ORDINALITY AS w (name, number)
      JOIN plan_column c ON c.name = w.name
      LEFT JOIN attribute a ON a.oid = f.oid AND a.name = c.name
), ours AS MATERIALIZED ( -- columns that this plan has added: its undo records, where there are any
    SELECT CASE WHEN c.oid IS NULL THEN '[]'::jsonb
           ELSE convert_from(decode(substring(query_to_xml(format(
                    'SELECT encode(convert_to(coalesce(jsonb_agg(u.object), %L)::text, %L), %L) AS o'
                    '  FROM tenantdeck.undo u JOIN tenantdeck.meta m USING (generation)'
                    ' WHERE u.plan = %L AND u.object_type = %L AND u.definition IS NULL'
                    '   AND u.state = %L', '[]', 'UTF8', 'base64', plan.name, 'table column',
                    'kept'), false, false, '')::text FROM '<o>([^<]*)</o>'), 'base64'),
                    'UTF8')::jsonb END AS identities
      FROM plan
      LEFT JOIN (pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                                               AND n.nspname = 'tenantdeck')
             ON c.relname = 'undo' AND has_schema_privilege(n.oid, 'USAGE')
            AND has_table_privilege(c.oid, 'SELECT')
), adding AS ( -- item: what was there before this plan came is left alone, and never dropped
    SELECT a.place, 1 AS number, a.unit,
           'add ' || string_agg(a.name, ', ' ORDER BY a.number) AS part,
           bool_and(a.exists) AS done,
           format('ALTER TABLE %s %s', a.relation,
                  string_agg(format('ADD COLUMN IF NOT EXISTS %I %s', a.name, a.type), ', '
                             ORDER BY a.number)) AS statement,
           'ACCESS EXCLUSIVE, for moments' AS takes,
           jsonb_agg(jsonb_build_object(
               'type', 'table column', 'object', a.identity, 'definition', NULL,
               'statement', format('ALTER TABLE IF EXISTS %s DROP COLUMN IF EXISTS %I', a.relation,
                                   a.name),
               'alone', false) ORDER BY a.number) AS records
      FROM addition a CROSS JOIN ours
     WHERE NOT a.exists OR ours.identities ? a.identity
     GROUP BY a.place, a.unit, a.relation
), wanted AS ( -- the pieces of a trigger's function
    SELECT a.place,
           string_agg(format('found_%s', a.role), ', ' ORDER BY a.number) AS variables,
           string_agg(CASE a.role WHEN 'tenant' THEN 'm.tenant_code'
                                  ELSE 'm.organization_code' END, ', ' ORDER BY a.number) AS mapped,
           string_agg(format('p.%I', a.name), ', ' ORDER BY a.number) AS of_parent,
           string_agg(format('%L', CASE a.role WHEN 'tenant' THEN plan.mapping ->> 'default_tenant'
                                   ELSE plan.mapping ->> 'default_organization' END),
                      ', ' ORDER BY a.number) AS defaults,
           string_agg(format('NEW.%I IS NOT NULL', a.name), ' AND ' ORDER BY a.number) AS all_given,
           string_agg(format('NEW.%1$I IS DISTINCT FROM OLD.%1$I', a.name), ' OR '
                      ORDER BY a.number) AS any_set,
           string_agg(format('NEW.%1$I IS NOT NULL AND NEW.%1$I::text IS DISTINCT FROM found_%2$s',
                             a.name, a.role), ' OR ' ORDER BY a.number) AS any_differs,
           string_agg(format(E'        IF NEW.%1$I IS NULL THEN NEW.%1$I := found_%2$s; END IF;\n',
                             a.name, a.role), '' ORDER BY a.number) AS fill_null,
           string_agg(format(E'        NEW.%I := found_%s;\n', a.name, a.role), ''
                      ORDER BY a.number) AS fill_all,
           max(a.name) FILTER (WHERE a.role = 'tenant') AS tenant
      FROM addition a CROSS JOIN plan
     GROUP BY a.place
), named AS MATERIALIZED ( -- a plan's name has no dot, so no two of these functions are alike
    SELECT f.*, w.variables, w.mapped, w.of_parent, w.defaults, w.all_given, w.any_set,
           w.any_differs, w.fill_null, w.fill_all, w.tenant, s.as_text AS source_as_text,
           mt.condition, k.as_text AS key_as_text,
           plan.name AS plan, plan.schema,
           CASE WHEN octet_length('fill_' || plan.name || '.' || f.name) <= 63
                THEN 'fill_' || plan.name || '.' || f.name
                ELSE 'fill_' || md5(plan.name || '.' || f.name) END AS function,
           'tenantdeck_fill_' || plan.name AS trigger
      FROM plan
      JOIN found f ON plan.fills
      JOIN wanted w USING (place)
      LEFT JOIN attribute s ON s.oid = f.oid AND s.name = f.source_column
      LEFT JOIN match mt USING (place)
      LEFT JOIN users u ON f.source = 'user'
      LEFT JOIN attribute k ON k.oid = u.oid AND k.name = u.key_column
     WHERE CASE f.source WHEN 'constant' THEN true
                         WHEN 'own' THEN s.name IS NOT NULL
                         WHEN 'user' THEN mt.condition IS NOT NULL AND k.name IS NOT NULL
                         ELSE mt.condition IS NOT NULL END
), looking AS ( -- how a function finds the codes
    SELECT n.*,
           format(n.source_as_text, 'NEW.' || quote_ident(n.source_column)) AS new_key,
           format(n.source_as_text, 'OLD.' || quote_ident(n.source_column)) AS old_key,
           CASE n.source
           WHEN 'constant' THEN format(E'    SELECT %s INTO %s;\n', n.defaults, n.variables)
           WHEN 'parent'
           THEN format(E'    SELECT %s INTO %s\n      FROM %I.%I AS p\n     WHERE %s\n     LIMIT 1;\n',
                       n.of_parent, n.variables, n.schema, n.parent_table,
                       format(n.condition, format('p.%I', n.parent_column),
                              'NEW.' || quote_ident(n.source_column)))
           ELSE format(E'    SELECT %s INTO %s\n      FROM tenantdeck.mapping AS m\n'
                       '     WHERE m.plan = %L AND m.key = %s;\n', n.mapped, n.variables, n.plan,
                       CASE n.source
                       WHEN 'own' THEN format(n.source_as_text, 'NEW.' || quote_ident(n.source_column))
                       ELSE format(E'(SELECT %s\n                              FROM %s AS u\n'
                                   '                             WHERE %s\n'
                                   '                             LIMIT 1)',
                                   format(n.key_as_text, format('u.%I', u.key_column)), u.relation,
                                   format(n.condition, format('u.%I', u.user_column),
                                          'NEW.' || quote_ident(n.source_column))) END)
           END AS look
      FROM named n LEFT JOIN users u ON n.source = 'user'
), body AS (
    SELECT l.*,
           concat(
               E'\n-- Made by tenantdeck for its plan ', l.plan, E'. It must never fail.\n',
               E'#variable_conflict use_column\n',
               E'DECLARE\n    found_tenant text;\n    found_organization text;\nBEGIN\n',
               E'    IF TG_OP = ''INSERT'' THEN\n',
               E'        IF ', l.all_given, E' THEN\n            RETURN NEW;\n        END IF;\n',
               CASE WHEN l.source_column IS NOT NULL THEN concat(
                   E'    ELSIF ', l.new_key, ' IS NOT DISTINCT FROM ', l.old_key, E'\n',
                   E'          OR ', l.any_set, E' THEN\n        RETURN NEW;\n') END,
               E'    END IF;\n',
               l.look,
               CASE WHEN l.orphans = 'default' AND l.source <> 'constant' THEN concat(
                   E'    IF found_tenant IS NULL THEN\n        SELECT ', l.defaults, ' INTO ',
                   l.variables, E';\n    END IF;\n') END,
               E'    IF found_tenant IS NULL THEN\n        RETURN NEW;\n    END IF;\n',
               E'    IF TG_OP = ''INSERT'' THEN\n', l.fill_null,
               CASE WHEN l.source_column IS NOT NULL THEN concat(
                   E'    ELSE\n',
                   -- Rows that take their codes from here would be left behind, and a foreign key
                   -- that holds both together would not let this one go alone.
                   CASE WHEN l.is_parent THEN concat(
                       '        IF ', l.any_differs, E' THEN\n',
                       E'            INSERT INTO tenantdeck.requeue AS r (plan, key)\n',
                       format(E'            VALUES (%L, coalesce(nullif(%s, ''''), ''0''))\n',
                              l.plan, l.new_key),
                       E'            ON CONFLICT (plan, key) DO UPDATE SET at = clock_timestamp();\n',
                       E'            IF EXISTS (SELECT 1 FROM pg_constraint AS c\n',
                       E'                         JOIN pg_attribute AS a ON a.attrelid = TG_RELID\n',
                       format(E'                                              AND a.attname = %L\n',
                              l.tenant),
                       E'                        WHERE c.confrelid = TG_RELID AND c.contype = ''f''\n',
                       E'                          AND a.attnum = ANY (c.confkey)) THEN\n',
                       E'                RETURN NEW;\n            END IF;\n        END IF;\n') END,
                   l.fill_all) END,
               E'    END IF;\n    RETURN NEW;\n',
               E'EXCEPTION WHEN OTHERS THEN\n    RETURN NEW;\nEND\n') AS source_text
      FROM looking l
), requeue_body AS (
    SELECT u.*, plan.name AS plan,
           'requeue_' || plan.name AS function, 'tenantdeck_requeue_' || plan.name AS trigger,
           concat(
               E'\n-- Made by tenantdeck for its plan ', plan.name, E'. It must never fail.\n',
               E'BEGIN\n',
               E'    IF TG_OP = ''UPDATE'' AND (', format(k.as_text, format('NEW.%I', u.key_column)),
               ', ', format(i.as_text, format('NEW.%I', u.user_column)),
               E')\n           IS NOT DISTINCT FROM (',
               format(k.as_text, format('OLD.%I', u.key_column)), ', ',
               format(i.as_text, format('OLD.%I', u.user_column)), E') THEN\n',
               E'        RETURN NULL;\n    END IF;\n',
               E'    INSERT INTO tenantdeck.requeue AS r (plan, key)\n',
               format(E'    VALUES (%L, %s)\n', plan.name,
                      format(i.as_text, format('NEW.%I', u.user_column))),
               E'    ON CONFLICT (plan, key) DO UPDATE SET at = clock_timestamp();\n',
               E'    RETURN NULL;\n',
               E'EXCEPTION WHEN OTHERS THEN\n    RETURN NULL;\nEND\n') AS source_text
      FROM plan
      JOIN users u ON plan.fills
      JOIN attribute k ON k.oid = u.oid AND k.name = u.key_column
      JOIN attribute i ON i.oid = u.oid AND i.name = u.user_column
), made AS ( -- every trigger with its function
    SELECT b.place, 2 AS number, b.name AS unit, 'fill trigger' AS part, b.oid, b.relation,
           b.function, b.trigger, b.source_text,
           'BEFORE INSERT' || coalesce(' OR UPDATE OF ' || quote_ident(b.source_column), '') AS event
      FROM body b
     UNION ALL
    -- Before all others: whoever changes after the first row was filled by a trigger has to be noted.
    SELECT 0, 1, r.name, 'requeue trigger', r.oid, r.relation, r.function, r.trigger,
           r.source_text, format('AFTER INSERT OR UPDATE OF %I, %I', r.key_column, r.user_column)
      FROM requeue_body r
), written AS (
    SELECT m.*,
           format('tenantdeck.%I', m.function) AS function_name,
           CASE WHEN position('$tenantdeck$' IN m.source_text) = 0
                THEN '$tenantdeck$' || m.source_text || '$tenantdeck$'
                ELSE quote_literal(m.source_text) END AS quoted
      FROM made m
), triggering AS ( -- item
    SELECT w.place, w.number, w.unit, w.part,
           EXISTS (SELECT 1
                     FROM pg_trigger t
                     JOIN pg_proc p ON p.oid = t.tgfoid AND p.proname = w.function
                                   AND p.prosrc = w.source_text AND p.prosecdef
                     JOIN pg_namespace n ON n.oid = p.pronamespace AND n.nspname = 'tenantdeck'
                    WHERE t.tgrelid = w.oid AND t.tgname = w.trigger AND t.tgenabled <> 'D') AS done,
           format(E'CREATE OR REPLACE FUNCTION %1$s() RETURNS trigger\n'
                  'LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS %2$s;\n'
                  'REVOKE ALL ON FUNCTION %1$s() FROM PUBLIC;\n'
                  'CREATE OR REPLACE TRIGGER %3$I %4$s ON %5$s\n'
                  '    FOR EACH ROW EXECUTE FUNCTION %1$s()',
                  w.function_name, w.quoted, w.trigger, w.event, w.relation) AS statement,
           'SHARE ROW EXCLUSIVE, for moments' AS takes,
           jsonb_build_array(
               jsonb_build_object(
                   'type', 'function', 'object', w.function_name || '()', 'definition', NULL,
                   'statement', format('DROP FUNCTION IF EXISTS %s()', w.function_name),
                   'alone', false),
               jsonb_build_object(
                   'type', 'trigger', 'object', format('%I on %s', w.trigger, w.relation),
                   'definition', NULL,
                   'statement', format('DROP TRIGGER IF EXISTS %I ON %s', w.trigger, w.relation),
                   'alone', false)) AS records
      FROM written w
)
SELECT i.unit, i.part, i.done, false AS alone, i.statement, i.takes, i.records
  FROM (SELECT * FROM adding UNION ALL SELECT * FROM triggering) AS i
 ORDER BY i.place, i.number;

-- name: work_release
-- Drops what work_columns has made to fill rows, once the application writes the codes itself. Undo
-- makes it again from the catalog's own text; those records have types of their own, since the first
-- record of a trigger is the one that says it was not there. $1: the plan, $2: the mode. Answers: unit,
-- part, done, alone, statement, takes, records.
WITH plan AS MATERIALIZED (
    SELECT given.doc, given.doc ->> 'name' AS name, given.doc ->> 'schema' AS schema,
           n.oid AS schema_oid,
           (given.doc -> 'mapping') ->> 'user_table' AS user_table
      FROM (SELECT $1::jsonb AS doc, $2::text AS mode) AS given
      JOIN pg_namespace n ON n.nspname = given.doc ->> 'schema'
     WHERE NOT coalesce((given.doc ->> 'distribute')::boolean, false)
), trigger AS ( -- those that work_columns makes, by the same names
    SELECT t.place, t.doc ->> 'name' AS unit, 'fill trigger' AS what,
           'tenantdeck_fill_' || plan.name AS name,
           CASE WHEN octet_length(f.name) <= 63 THEN f.name
                ELSE 'fill_' || md5(plan.name || '.' || (t.doc ->> 'name')) END AS function
      FROM plan
     CROSS JOIN jsonb_array_elements(plan.doc -> 'tables') WITH ORDINALITY AS t (doc, place)
     CROSS JOIN LATERAL (
           SELECT 'fill_' || plan.name || '.' || (t.doc ->> 'name') AS name) AS f
     UNION ALL
    SELECT 0, plan.user_table, 'requeue trigger', 'tenantdeck_requeue_' || plan.name,
           'requeue_' || plan.name
      FROM plan
     WHERE EXISTS (SELECT 1 FROM jsonb_array_elements(plan.doc -> 'tables') AS t (doc)
                    WHERE t.doc ->> 'source' = 'user')
), begun AS ( -- has the migration come by? Before, nothing of this has been done
    SELECT EXISTS (SELECT 1
                     FROM plan
                    CROSS JOIN jsonb_array_elements(plan.doc -> 'tables') AS t (doc)
                    CROSS JOIN jsonb_array_elements(plan.doc -> 'columns') AS d (doc)
                     JOIN pg_class c ON c.relnamespace = plan.schema_oid
                                    AND c.relname = t.doc ->> 'name'
                     JOIN pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped
                                        AND a.attname = d.doc ->> 'name') AS is_migrated
), present AS (
    SELECT t.*, format('%I.%I', plan.schema, t.unit) AS relation,
           format('tenantdeck.%I()', t.function) AS call,
           g.oid AS trigger_oid, p.oid AS function_oid,
           begun.is_migrated
      FROM trigger t
     CROSS JOIN plan
     CROSS JOIN begun
      JOIN pg_class c ON c.relnamespace = plan.schema_oid AND c.relname = t.unit AND c.relkind = 'r'
      LEFT JOIN pg_trigger g ON g.tgrelid = c.oid AND g.tgname = t.name
      LEFT JOIN (pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
                                              AND n.nspname = 'tenantdeck')
             ON p.proname = t.function
)
SELECT p.unit,
       'drop ' || p.what AS part,
       p.trigger_oid IS NULL AND p.function_oid IS NULL AND p.is_migrated AS done,
       false AS alone,
       format(E'DROP TRIGGER IF EXISTS %I ON %s;\nDROP FUNCTION IF EXISTS %s', p.name, p.relation,
              p.call) AS statement,
       'ACCESS EXCLUSIVE, for moments' AS takes,
       CASE WHEN p.trigger_oid IS NULL THEN '[]'::jsonb ELSE jsonb_build_array(jsonb_build_object(
           'type', 'trigger dropped', 'object', format('%I on %s', p.name, p.relation),
           'definition', pg_get_triggerdef(p.trigger_oid),
           'statement', format(E'DROP TRIGGER IF EXISTS %I ON %s;\n%s', p.name, p.relation,
                               pg_get_triggerdef(p.trigger_oid)),
           'alone', false)) END
       || CASE WHEN p.function_oid IS NULL THEN '[]'::jsonb
               ELSE jsonb_build_array(jsonb_build_object(
           'type', 'function dropped', 'object', p.call,
           'definition', pg_get_functiondef(p.function_oid),
           'statement', format(E'%s;\nREVOKE ALL ON FUNCTION %s FROM PUBLIC',
                               pg_get_functiondef(p.function_oid), p.call),
           'alone', false)) END AS records
  FROM present p
 ORDER BY p.place;
