-- Where does a database stand: before the migration, half-way, or after one, ours or somebody else's?
-- Asked before anything begins, since columns that are there already may hold what nobody may lose.

-- name: check_state
-- One row for the tables of the plan ($1, as JSON) and, where Sequelize keeps a list of migrations, one
-- for what it says; $2 is the mode (online or window) and changes nothing. Columns: check_group,
-- check_name, subject, severity, verdict, count, message, samples, query, fix. The states: none of the
-- columns is there; they are there and empty; they hold one tenant and nothing else, as the service's
-- released migrations leave them; half-way; or migrated. A table is read only as far as it takes to
-- know.
WITH plan AS MATERIALIZED (
    SELECT given.doc,
           given.doc ->> 'name' AS name,
           given.doc ->> 'schema' AS schema,
           n.oid AS schema_oid,
           $2::text AS mode,
           max(c.doc ->> 'name') FILTER (WHERE c.doc ->> 'role' = 'tenant') AS tenant
      FROM (SELECT $1::jsonb AS doc) AS given
     CROSS JOIN jsonb_array_elements(given.doc -> 'columns') AS c (doc)
      LEFT JOIN pg_namespace n ON n.nspname = given.doc ->> 'schema'
     GROUP BY given.doc, n.oid
), planned AS MATERIALIZED ( -- the plan's tables that are there
    SELECT t.place, t.doc ->> 'name' AS name, c.oid,
           format('%I.%I', plan.schema, t.doc ->> 'name') AS shown,
           (SELECT count(*) FROM jsonb_array_elements_text(t.doc -> 'columns') AS w (name)
              JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = w.name AND a.attnum > 0
                                 AND NOT a.attisdropped) AS columns,
           jsonb_array_length(t.doc -> 'columns') AS columns_planned,
           -- By text, so that a type of somebody else's is not compared by somebody else's operator.
           (SELECT format('format(''%%s'', t.%I)', a.attname) FROM pg_attribute a
             WHERE a.attrelid = c.oid AND a.attname = plan.tenant AND a.attnum > 0
               AND NOT a.attisdropped) AS tenant,
           ARRAY(SELECT jsonb_array_elements_text(t.doc -> 'primary_key' -> 'columns')) = '{}'
           OR EXISTS (SELECT 1 FROM pg_index i
                       WHERE i.indrelid = c.oid AND i.indisprimary
                         AND ARRAY(SELECT a.attname::text
                                     FROM unnest(i.indkey) WITH ORDINALITY AS k (number, place)
                                     JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number
                                    ORDER BY k.place)
                             = ARRAY(SELECT jsonb_array_elements_text(
                                                t.doc -> 'primary_key' -> 'columns'))) AS has_key
      FROM plan
     CROSS JOIN jsonb_array_elements(plan.doc -> 'tables') WITH ORDINALITY AS t (doc, place)
      JOIN pg_class c ON c.relnamespace = plan.schema_oid AND c.relname = t.doc ->> 'name'
                     AND c.relkind IN ('r', 'p')
), looked AS ( -- what is asked of each table that has the tenant's column
    SELECT string_agg(format(E'    SELECT %L AS name, %L::boolean AS is_whole, %L::boolean AS has_key,\n'
                             '           EXISTS (SELECT 1 FROM %s AS t) AS has_rows,\n'
                             '           EXISTS (SELECT 1 FROM %4$s AS t WHERE %5$s = '''') AS has_empty,\n'
                             '           (SELECT %5$s FROM %4$s AS t WHERE %5$s <> '''' LIMIT 1) AS first,\n'
                             '           EXISTS (SELECT 1 FROM %4$s AS t WHERE %5$s <> '''' AND %5$s <>\n'
                             '                      (SELECT %5$s FROM %4$s AS t WHERE %5$s <> '''' LIMIT 1))\n'
                             '               AS has_others',
                             p.name, p.columns = p.columns_planned, p.has_key, p.shown, p.tenant),
                      E'\n     UNION ALL\n' ORDER BY p.place) AS tables,
           -- Whose rows we may not read; what GRANT is missing, group rights says.
           count(*) FILTER (WHERE NOT has_table_privilege(p.oid, 'SELECT')) AS hidden
      FROM planned p WHERE p.tenant IS NOT NULL
), counted AS (
    SELECT count(*) AS tables, count(*) FILTER (WHERE columns = 0) AS without,
           count(*) FILTER (WHERE tenant IS NULL) AS tenantless
      FROM planned
), meta AS ( -- Sequelize's own list, under the names that its settings give it
    SELECT format('%I.%I', plan.schema, c.relname) AS shown, c.relname::text AS name
      FROM plan
      JOIN pg_class c ON c.relnamespace = plan.schema_oid AND c.relkind = 'r'
                     AND c.relname IN ('sequelize_meta', 'SequelizeMeta')
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'name' AND NOT a.attisdropped
                         AND a.atttypid IN ('varchar'::regtype, 'text'::regtype)
)
SELECT found.check_group, found.check_name, found.subject, found.severity, found.verdict, found.count,
       found.message, found.samples, found.query, found.fix
  FROM (
    SELECT 0 AS turn, 'state' AS check_group, 'columns' AS check_name, plan.schema AS subject,
           'warn' AS severity,
           CASE WHEN c.tables = 0 THEN 'fail' WHEN c.without = c.tables THEN 'pass'
                WHEN looked.tables IS NULL THEN 'warn'
                WHEN looked.hidden > 0 THEN 'unknown' END AS verdict,
           CASE WHEN looked.tables IS NULL THEN c.tables END AS count,
           CASE WHEN c.tables = 0 THEN 'none of the plan''s tables is in this database'
                WHEN c.without = c.tables
                THEN format('before the migration: none of %s tables has the columns', c.tables)
                WHEN looked.tables IS NULL
                THEN format('half-way: no table has the tenant''s column, and %s have others',
                            c.tables - c.without)
                WHEN looked.hidden > 0
                THEN format('not looked at: ''%s'' may not read %s of the tables', current_user,
                            looked.hidden) END AS message,
           NULL::jsonb AS samples,
           format($query$WITH looked AS MATERIALIZED (
%1$s
), sorted AS (
    SELECT *, CASE WHEN NOT has_rows THEN 'no rows' WHEN first IS NULL THEN 'empty'
                   WHEN has_empty THEN 'partly filled' ELSE 'filled' END AS state
      FROM looked
), told AS (
    SELECT count(*) AS tables, bool_and(is_whole) AS whole, bool_and(has_key) AS keyed,
           count(*) FILTER (WHERE state = 'empty') AS empty,
           count(*) FILTER (WHERE state = 'partly filled') AS partly,
           count(*) FILTER (WHERE state = 'filled') AS filled,
           count(*) FILTER (WHERE state = 'no rows') AS rowless,
           count(DISTINCT first) > 1 OR coalesce(bool_or(has_others), false) AS many,
           min(first) AS tenant
      FROM sorted
), judged AS (
    SELECT *, CASE WHEN %2$s > 0 OR NOT whole THEN 'half-way'
                   WHEN filled + partly = 0 THEN 'empty'
                   WHEN empty + partly > 0 THEN 'half-way'
                   WHEN NOT many THEN 'one tenant'
                   WHEN keyed THEN 'migrated' ELSE 'half-way' END AS state
      FROM told
)
SELECT CASE state WHEN 'empty' THEN 'pass' ELSE 'warn' END AS verdict, tables AS count,
       CASE state
       WHEN 'empty' THEN format('the columns of all %%s tables are there, and empty', tables)
       WHEN 'one tenant'
       THEN format('filled with one tenant: all rows of %%s tables are of %%s, as the released '
                   'migrations leave them; what the columns hold is kept and compared with the '
                   'mapping', tables, tenant)
       WHEN 'migrated' THEN format('migrated: all %%s tables are filled and have their new primary '
                                   'keys; validate tells whether they are right', tables)
       ELSE concat_ws('; ', 'half-way',
                      'tables without the columns: ' || nullif(%2$s, 0),
                      'with some of them: ' || nullif((SELECT count(*) FROM looked WHERE NOT is_whole), 0),
                      'empty: ' || nullif(empty, 0), 'partly filled: ' || nullif(partly, 0),
                      'filled: ' || nullif(filled, 0), 'without rows: ' || nullif(rowless, 0),
                      'without their new primary key: '
                          || nullif((SELECT count(*) FROM looked WHERE NOT has_key), 0)) END AS message,
       (SELECT jsonb_agg(jsonb_build_object('table', few.name, 'state', few.state))
          FROM (SELECT name, state FROM sorted WHERE judged.state = 'half-way'
                 ORDER BY state <> 'partly filled', state <> 'empty', name LIMIT 5) AS few) AS samples
  FROM judged$query$,
                  looked.tables, c.tenantless) AS query,
           NULL AS fix
      FROM plan CROSS JOIN counted c CROSS JOIN looked
     UNION ALL
    SELECT 1, 'state', 'Sequelize', meta.name, 'warn',
           CASE WHEN NOT may.read THEN 'unknown' END, NULL,
           CASE WHEN NOT may.read THEN format('not looked at: ''%s'' may not read it', current_user) END,
           NULL,
           -- The two migrations of the service that add the columns: one adds them empty, the other
           -- fills every row with the default.
           format($query$WITH told AS (
    SELECT count(*) AS migrations, max(name) AS newest,
           bool_or(name = '20250721250000-complete-tenant-code-migration.js') AS adds,
           bool_or(name = '20251212250000-complete-tenant-code-migration.js') AS fills,
           jsonb_agg(name ORDER BY name) FILTER (WHERE name LIKE '%%tenant%%') AS names
      FROM %1$s
)
SELECT CASE WHEN adds OR fills THEN 'warn' ELSE 'pass' END AS verdict, migrations AS count,
       concat_ws('; ', format('%%s migrations were run, the newest by name is %%s', migrations,
                              coalesce(newest, 'none')),
                 CASE WHEN fills THEN 'the released one that fills the columns with the default is '
                                      'among them'
                      WHEN adds THEN 'the one that adds the columns, empty, is among them'
                      ELSE 'none of them knows of tenants' END) AS message,
       (SELECT jsonb_agg(few.name) FROM (SELECT name FROM jsonb_array_elements_text(names) AS n (name)
                                          LIMIT 5) AS few) AS samples
  FROM told$query$, meta.shown),
           CASE WHEN NOT may.read THEN format('GRANT SELECT ON %s TO %I;', meta.shown, current_user) END
      FROM meta
     CROSS JOIN LATERAL (SELECT has_table_privilege(meta.shown::regclass, 'SELECT') AS read) AS may
       ) AS found
 ORDER BY found.turn, found.subject;
