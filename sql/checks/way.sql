-- The way from a row to the codes it should have, as check_confirm and check_integrity ask it of the plan
-- ($1, as JSON; $2: the mode). Both begin with this; `tenantdeck sql check_confirm` prints it in its place.
-- It ends with `route`: for each table the joins, and what its codes should be.
WITH RECURSIVE plan AS MATERIALIZED (
    SELECT given.doc,
           given.doc ->> 'name' AS name,
           given.doc ->> 'schema' AS schema,
           n.oid AS schema_oid,
           given.doc -> 'mapping' AS mapping,
           coalesce((given.doc ->> 'distribute')::boolean, false) AS distribute,
           $2::text AS mode,
           max(c.doc ->> 'name') FILTER (WHERE c.doc ->> 'role' = 'tenant') AS tenant,
           max(c.doc ->> 'name') FILTER (WHERE c.doc ->> 'role' = 'organization') AS organization
      FROM (SELECT $1::jsonb AS doc) AS given
     CROSS JOIN jsonb_array_elements(given.doc -> 'columns') AS c (doc)
      LEFT JOIN pg_namespace n ON n.nspname = given.doc ->> 'schema'
     GROUP BY given.doc, n.oid
), planned AS MATERIALIZED ( -- the plan's tables, and what the catalog has under their names
    SELECT t.place, t.doc,
           t.doc ->> 'name' AS name,
           t.doc ->> 'source' AS source,
           t.doc ->> 'source_column' AS source_column,
           t.doc ->> 'parent_table' AS parent_table,
           t.doc ->> 'parent_column' AS parent_column,
           t.doc ->> 'orphans' AS orphans,
           (t.doc ->> 'optional')::boolean AS optional,
           format('%I.%I', plan.schema, t.doc ->> 'name') AS shown,
           c.oid
      FROM plan
     CROSS JOIN jsonb_array_elements(plan.doc -> 'tables') WITH ORDINALITY AS t (doc, place)
      LEFT JOIN pg_class c ON c.relnamespace = plan.schema_oid AND c.relkind IN ('r', 'p')
                          AND c.relname = t.doc ->> 'name'
), users AS ( -- the table that tells a user's organization; it need not be one of the plan's
    SELECT plan.mapping ->> 'user_table' AS name,
           plan.mapping ->> 'user_column' AS user_column,
           plan.mapping ->> 'user_key' AS user_key,
           format('%I.%I', plan.schema, plan.mapping ->> 'user_table') AS shown,
           c.oid
      FROM plan
      LEFT JOIN pg_class c ON c.relnamespace = plan.schema_oid AND c.relkind IN ('r', 'p')
                          AND c.relname = plan.mapping ->> 'user_table'
     WHERE plan.mapping ->> 'user_table' IS NOT NULL
), present AS MATERIALIZED ( -- the columns there are, and how each is written as text: a cast could run
    -- somebody's function where the type is not PostgreSQL's own, its output function could not
    SELECT a.attrelid AS oid, a.attname::text AS name, a.attnum AS number,
           coalesce(nullif(t.typbasetype, 0), t.oid) AS type_oid, a.attcollation AS collation,
           o.plain,
           CASE WHEN NOT o.plain THEN 'nullif(format(''%%s'', %s), '''')'
                WHEN a.attcollation NOT IN (0, 100) THEN '%s::text COLLATE "C"'
                ELSE '%s::text' END AS as_text
      FROM pg_attribute a
      JOIN pg_type t ON t.oid = a.atttypid
      JOIN pg_roles r ON r.oid = t.typowner
     CROSS JOIN LATERAL (SELECT r.rolsuper OR r.rolname = current_user AS plain) AS o
     WHERE a.attrelid IN (SELECT oid FROM planned UNION ALL SELECT oid FROM users)
       AND a.attnum > 0 AND NOT a.attisdropped
), looked_in AS MATERIALIZED ( -- what is joined: the table; where Citus has spread it, its columns that
    -- matter, fetched first (OFFSET 0), since other rows than those of the same tenant are looked for
    SELECT r.place, -- 0: the users
           CASE WHEN plan.distribute
                THEN format('(SELECT %s FROM %s OFFSET 0)',
                            (SELECT string_agg(format('%I', c.name), ', ' ORDER BY c.number)
                               FROM present c
                              WHERE c.oid = r.oid AND c.name = ANY (r.columns)), r.shown)
                ELSE r.shown END COLLATE pg_catalog."default" AS text
      FROM plan
     CROSS JOIN LATERAL (
           SELECT p.place, p.oid, p.shown,
                  ARRAY(SELECT jsonb_array_elements_text(p.doc -> 'columns')) || p.source_column
                  || ARRAY(SELECT child.parent_column FROM planned child
                            WHERE child.parent_table = p.name) AS columns
             FROM planned p
            UNION ALL
           SELECT 0, u.oid, u.shown, ARRAY[u.user_column, u.user_key] FROM users u) AS r
), single AS ( -- columns that hold each value once, so that a join by them multiplies no row
    SELECT i.indrelid AS oid, present.name
      FROM pg_index i
      JOIN present ON present.oid = i.indrelid AND present.number = i.indkey[0]
     WHERE i.indisunique AND i.indisvalid AND i.indimmediate AND i.indnkeyatts = 1
       AND i.indpred IS NULL
), pair AS MATERIALIZED ( -- how a row (%2$s) is compared with the one it is looked up in (%1$s)
    SELECT p.place,
           CASE WHEN theirs.plain AND ours.plain
                     AND (theirs.type_oid = ours.type_oid AND theirs.collation = ours.collation
                          OR (theirs.type_oid IN ('text'::regtype, 'varchar'::regtype)
                              AND ours.type_oid IN ('text'::regtype, 'varchar'::regtype)
                              AND theirs.collation = ours.collation)
                          OR (theirs.type_oid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)
                              AND ours.type_oid IN ('int2'::regtype, 'int4'::regtype,
                                                    'int8'::regtype)))
                THEN '%1$s = %2$s'
                ELSE replace(theirs.as_text, '%s', '%1$s') || ' = '
                     || replace(ours.as_text, '%s', '%2$s') END AS condition
      FROM planned p
      LEFT JOIN users u ON p.source = 'user'
      LEFT JOIN planned up ON p.source = 'parent' AND up.name = p.parent_table
      JOIN present ours ON ours.oid = p.oid AND ours.name = p.source_column
      JOIN present theirs ON theirs.oid = coalesce(u.oid, up.oid)
                         AND theirs.name = coalesce(u.user_column, p.parent_column)
)

-- ---- the way to the codes: t is the row, t1 its parent, t2 the parent's parent ----

, way AS ( -- before and after: what is put around the code that stands at the end of the way
    SELECT p.place, 0 AS level, p.name AS at, '' AS joins, '' AS tenant_before,
           '' AS organization_before, '' AS tenant_after, '' AS organization_after, true AS is_single,
           ARRAY[]::text[] AS missing, p.orphans = 'park' AS may_park
      FROM planned p WHERE p.oid IS NOT NULL
     UNION ALL
    SELECT w.place, w.level + 1, p.parent_table,
           w.joins || format(E'\n  LEFT JOIN %s AS t%s ON ', sought.text, w.level + 1)
           || coalesce(format(pair.condition, format('t%s.%I', w.level + 1, p.parent_column),
                              format('t%s.%I', nullif(w.level, 0), p.source_column)), 'false'),
           w.tenant_before || around.before,
           w.organization_before || around.before,
           CASE WHEN p.orphans = 'default'
                THEN format(', %L)', plan.mapping ->> 'default_tenant') ELSE ' END' END
           || w.tenant_after,
           CASE WHEN p.orphans = 'default'
                THEN format(', %L)', plan.mapping ->> 'default_organization') ELSE ' END' END
           || w.organization_after,
           w.is_single AND EXISTS (SELECT 1 FROM single s
                                    WHERE s.oid = up.oid AND s.name = p.parent_column),
           w.missing || ARRAY(
               SELECT format('%s.%s', n.table_name, n.column_name)
                 FROM (VALUES (p.oid, p.name, p.source_column),
                              (up.oid, up.name, p.parent_column)) AS n (oid, table_name, column_name)
                WHERE NOT EXISTS (SELECT 1 FROM present c
                                   WHERE c.oid = n.oid AND c.name = n.column_name)),
           w.may_park OR up.orphans = 'park'
      FROM way w
     CROSS JOIN plan
      JOIN planned p ON p.name = w.at AND p.source = 'parent'
      JOIN planned up ON up.name = p.parent_table AND up.oid IS NOT NULL
      JOIN looked_in sought ON sought.place = up.place
      LEFT JOIN pair ON pair.place = p.place
     CROSS JOIN LATERAL ( -- a parent that is not there has no codes, whatever stands behind it
           SELECT CASE WHEN p.orphans = 'default' THEN 'coalesce('
                       ELSE format('CASE WHEN t%s.%I IS NULL THEN NULL ELSE ', w.level + 1,
                                   p.parent_column) END AS before) AS around
     WHERE w.level < 32
), root AS ( -- where the way ends: the row that the mapping is asked for
    SELECT w.*, p.place AS root_place, p.source, p.oid, p.name, p.source_column,
           p.source = 'constant' AS is_constant, p.orphans = 'default' AS has_default,
           't' || coalesce(nullif(w.level, 0)::text, '') AS alias
      FROM way w JOIN planned p ON p.name = w.at AND p.source <> 'parent'
), route AS MATERIALIZED ( -- per table: the joins, and what the codes should be
    SELECT r.place, r.may_park,
           r.joins || coalesce(ending.joins, '') AS joins,
           r.tenant_before
           || CASE WHEN r.is_constant THEN format('%L', plan.mapping ->> 'default_tenant')
                   WHEN r.has_default
                   THEN format('coalesce(m.tenant_code, %L)', plan.mapping ->> 'default_tenant')
                   ELSE 'm.tenant_code' END
           || r.tenant_after AS tenant,
           r.organization_before
           || CASE WHEN r.is_constant THEN format('%L', plan.mapping ->> 'default_organization')
                   WHEN r.has_default
                   THEN format('coalesce(m.organization_code, %L)',
                               plan.mapping ->> 'default_organization')
                   ELSE 'm.organization_code' END
           || r.organization_after AS organization,
           ending.keys,
           r.is_single AND (r.source <> 'user'
                            OR EXISTS (SELECT 1 FROM single s
                                        WHERE s.oid = u.oid AND s.name = u.user_column)) AS is_single,
           r.missing || ARRAY(
               SELECT format('%s.%s', n.table_name, n.column_name)
                 FROM (VALUES (r.oid, r.name, r.source_column, true),
                              (u.oid, u.name, u.user_column, r.source = 'user'),
                              (u.oid, u.name, u.user_key, r.source = 'user'))
                      AS n (oid, table_name, column_name, is_used)
                WHERE NOT r.is_constant AND n.is_used
                  AND NOT EXISTS (SELECT 1 FROM present c
                                   WHERE c.oid = n.oid AND c.name = n.column_name)) AS missing
      FROM root r
     CROSS JOIN plan
      LEFT JOIN users u ON true
      LEFT JOIN looked_in sought ON sought.place = 0
      LEFT JOIN pair ON pair.place = r.root_place
      LEFT JOIN present source ON source.oid = r.oid AND source.name = r.source_column
      LEFT JOIN present own_user ON r.name = u.name AND own_user.oid = r.oid
                                AND own_user.name = u.user_column
      LEFT JOIN present user_key ON user_key.oid = u.oid AND user_key.name = u.user_key
     CROSS JOIN LATERAL (
           SELECT r.alias || '.' || quote_ident(r.source_column) AS source_name,
                  format(source.as_text, r.alias || '.' || quote_ident(r.source_column)) AS source,
                  format(own_user.as_text, r.alias || '.' || quote_ident(u.user_column)) AS user_id,
                  format(user_key.as_text, 'u.' || quote_ident(u.user_key)) AS user_key) AS text
     CROSS JOIN LATERAL ( -- keys: under which of them the row may wait in tenantdeck.requeue
           SELECT CASE r.source
                  WHEN 'own' THEN
                      format(E'\n  LEFT JOIN tenantdeck.mapping AS m ON m.plan = %L AND m.key = ',
                             plan.name) || text.source
                  WHEN 'user' THEN
                      format(E'\n  LEFT JOIN %s AS u ON ', sought.text)
                      || format(pair.condition, 'u.' || quote_ident(u.user_column),
                                text.source_name)
                      || format(E'\n  LEFT JOIN tenantdeck.mapping AS m ON m.plan = %L AND m.key = ',
                                plan.name) || text.user_key END AS joins,
                  concat_ws(', ', 'coalesce(nullif(' || text.source || ', ''''), ''0'')',
                            text.user_id) AS keys) AS ending
)
