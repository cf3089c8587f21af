-- Does a plan fit a database? Asked of the catalog alone: no row of any table is read, no lock is
-- taken that could make anybody wait, and the answer takes milliseconds on any size of database.

-- name: check_plan
-- Compares the plan ($1, as JSON) with the live catalog. Answers one row a finding, in the plan's
-- order: grp, subject (mostly a table), verdict (pass, warn, fail), message (one sentence), detail
-- (what to do, or a query that shows the rows; NULL), count (how many things; NULL). A table with
-- which nothing is wrong has one row 'pass'. Fail means that the migration could not go through;
-- warn, that the plan may be right, but somebody should look first.
WITH plan AS MATERIALIZED (
    SELECT given.doc,
           given.doc ->> 'schema' AS schema,
           n.oid AS schema_oid,
           -- A unique index without the tenant is a nuisance, and Citus refuses to spread it.
           CASE WHEN (given.doc ->> 'distribute')::boolean THEN 'fail' ELSE 'warn' END
               AS verdict_without_tenant,
           max(c.doc ->> 'name') FILTER (WHERE c.doc ->> 'role' = 'tenant') AS tenant,
           array_agg(c.doc ->> 'name') AS columns
      FROM (SELECT $1::jsonb AS doc) AS given
     CROSS JOIN jsonb_array_elements(given.doc -> 'columns') AS c (doc)
      LEFT JOIN pg_namespace n ON n.nspname = given.doc ->> 'schema'
     GROUP BY given.doc, n.oid
), plan_column AS ( -- the columns to be added; the type in the catalog's spelling
    SELECT c.doc ->> 'name' AS name,
           replace(c.doc ->> 'type', 'varchar', 'character varying') AS type,
           (c.doc ->> 'type')::regtype::oid AS type_oid
      FROM plan, jsonb_array_elements(plan.doc -> 'columns') AS c (doc)
), planned AS MATERIALIZED ( -- the plan's tables, and what the catalog has under their names
    SELECT t.place,
           t.doc,
           t.doc ->> 'name' AS name,
           (t.doc ->> 'optional')::boolean AS optional,
           t.doc ->> 'source' AS source,
           t.doc ->> 'source_column' AS source_column,
           t.doc ->> 'parent_table' AS parent_table,
           t.doc ->> 'parent_column' AS parent_column,
           c.oid, c.relkind, c.relispartition, c.relpersistence,
           c.relrowsecurity, c.relforcerowsecurity, c.relreplident,
           coalesce(c.relkind IN ('r', 'p'), false) AS is_table
      FROM plan
     CROSS JOIN jsonb_array_elements(plan.doc -> 'tables') WITH ORDINALITY AS t (doc, place)
      LEFT JOIN pg_class c ON c.relnamespace = plan.schema_oid AND c.relname = t.doc ->> 'name'
), users AS ( -- the table that tells a user's organization; it need not be one of the plan's
    SELECT m.doc ->> 'user_table' AS name,
           m.doc ->> 'user_column' AS user_column,
           m.doc ->> 'user_key' AS key_column,
           c.oid
      FROM plan
     CROSS JOIN LATERAL (SELECT plan.doc -> 'mapping') AS m (doc)
      LEFT JOIN pg_class c ON c.relnamespace = plan.schema_oid
                          AND c.relname = m.doc ->> 'user_table'
     WHERE m.doc ->> 'user_table' IS NOT NULL
), present AS MATERIALIZED ( -- every column that these tables have today
    SELECT r.oid, a.attname::text AS name, a.attnotnull AS not_null,
           a.attgenerated <> '' AS is_generated,
           format_type(a.atttypid, a.atttypmod) AS type,
           coalesce(nullif(y.typbasetype, 0), y.oid) AS type_oid
      FROM (SELECT oid FROM planned WHERE is_table UNION SELECT oid FROM users) AS r
      JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
      JOIN pg_type y ON y.oid = a.atttypid
), addition AS MATERIALIZED ( -- every column that a table gets, and what is there already
    SELECT p.place, p.oid, p.name AS table_name, c.name, c.type, c.type_oid,
           present.type AS present_type,
           present.not_null, present.is_generated,
           p.doc -> 'not_null' ? c.name AS wants_not_null
      FROM planned p
     CROSS JOIN jsonb_array_elements_text(p.doc -> 'columns') AS w (name)
      JOIN plan_column c ON c.name = w.name
      LEFT JOIN present ON present.oid = p.oid AND present.name = c.name
     WHERE p.is_table
), future AS MATERIALIZED ( -- every column that a table will have
    SELECT oid, name, type, type_oid, not_null FROM present
     UNION ALL
    SELECT oid, name, type, type_oid, true FROM addition WHERE present_type IS NULL
), old_key AS MATERIALIZED ( -- what is unique today; no columns where an expression is in it
    SELECT p.place, p.oid, i.indexrelid, x.relname::text AS name, i.indisprimary AS is_primary,
           CASE p.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident
                ELSE false END AS is_identity,
           i.indpred IS NOT NULL AS is_partial,
           pg_get_expr(i.indpred, i.indrelid) AS condition,
           con.oid AS constraint_oid,
           CASE WHEN NOT 0 = ANY (i.indkey) THEN
               (SELECT array_agg(a.attname::text ORDER BY k.place)
                  FROM unnest(i.indkey) WITH ORDINALITY AS k (number, place)
                  JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
                 WHERE k.place <= i.indnkeyatts) END AS columns
      FROM planned p
      JOIN pg_index i ON i.indrelid = p.oid AND i.indisunique AND i.indisvalid
      JOIN pg_class x ON x.oid = i.indexrelid
      LEFT JOIN pg_constraint con ON con.conindid = i.indexrelid
                                 AND con.contype IN ('p', 'u') AND con.conrelid = p.oid
     WHERE p.is_table
), plan_key AS ( -- every key and index of the plan
    SELECT p.place, p.oid, p.name AS table_name, k.purpose, k.key ->> 'replaces' AS replaces,
           ARRAY(SELECT jsonb_array_elements_text(k.key -> 'columns')) AS columns
      FROM planned p
     CROSS JOIN LATERAL (
           SELECT 'primary key' AS purpose, p.doc -> 'primary_key' AS key
            UNION ALL
           SELECT 'unique', u.key FROM jsonb_array_elements(p.doc -> 'uniques') AS u (key)
            UNION ALL
           SELECT 'index', x.key FROM jsonb_array_elements(p.doc -> 'indexes') AS x (key)) AS k
     WHERE p.is_table AND jsonb_array_length(k.key -> 'columns') > 0
), new_key AS MATERIALIZED ( -- what will be unique, and under which condition taken from the old
    SELECT k.*, o.indexrelid AS replaced, o.condition,
           coalesce(o.is_partial, same.is_partial, false) AS is_partial,
           same.oid IS NOT NULL AS exists
      FROM plan_key k
      LEFT JOIN old_key o ON o.oid = k.oid AND o.name = k.replaces AND NOT o.is_primary
      LEFT JOIN LATERAL ( -- it is there already; with a WHERE, if the one it has replaced had one
           SELECT e.oid, e.is_partial
             FROM old_key e
            WHERE e.oid = k.oid AND e.columns = k.columns
              AND e.is_primary = (k.purpose = 'primary key')
              AND (NOT e.is_partial OR k.replaces IS NOT NULL)
            LIMIT 1) AS same ON true
     WHERE k.purpose <> 'index'
), leaving AS MATERIALIZED ( -- what is unique today and goes: replaced, or another primary key comes
    SELECT o.*
      FROM old_key o
     WHERE EXISTS (SELECT 1 FROM new_key n
                    WHERE n.oid = o.oid AND NOT (n.exists AND n.columns = o.columns)
                      AND (n.replaced = o.indexrelid
                           OR (n.purpose = 'primary key' AND o.is_primary)))
), reference AS MATERIALIZED ( -- the plan's foreign keys
    SELECT p.place, p.oid, p.name AS table_name, f.place AS number, t.oid AS target_oid,
           f.doc ->> 'table' AS target_name,
           ARRAY(SELECT jsonb_array_elements_text(f.doc -> 'columns')) AS columns,
           ARRAY(SELECT jsonb_array_elements_text(f.doc -> 'target')) AS target
      FROM planned p
     CROSS JOIN jsonb_array_elements(p.doc -> 'references') WITH ORDINALITY AS f (doc, place)
      JOIN planned t ON t.name = f.doc ->> 'table'
     WHERE p.is_table AND t.is_table
), lookup AS ( -- where one table is joined to another to find its codes
    SELECT p.place, p.oid, p.name AS table_name, p.source_column,
           t.oid AS target_oid, t.name AS target_name, p.parent_column AS target_column
      FROM planned p
      JOIN planned t ON t.name = p.parent_table AND t.is_table
     WHERE p.is_table AND p.source = 'parent'
     UNION ALL
    SELECT p.place, p.oid, p.name, p.source_column, u.oid, u.name, u.user_column
      FROM planned p CROSS JOIN users u
     WHERE p.is_table AND p.source = 'user' AND u.oid IS NOT NULL
), needed AS ( -- every column that the plan names, and for what
    SELECT place, oid, name AS table_name, source_column AS column_name,
           'from = ' || source AS purpose
      FROM planned WHERE is_table AND source_column IS NOT NULL
     UNION ALL
    SELECT place, target_oid, target_name, target_column, 'the codes of ' || table_name
      FROM lookup
     UNION ALL
    SELECT 0, u.oid, u.name, c.name, 'users'
      FROM users u CROSS JOIN LATERAL unnest(ARRAY[u.user_column, u.key_column]) AS c (name)
     WHERE u.oid IS NOT NULL
     UNION ALL
    SELECT k.place, k.oid, k.table_name, c.name, k.purpose
      FROM plan_key k CROSS JOIN LATERAL unnest(k.columns) AS c (name)
     UNION ALL
    SELECT r.place, r.oid, r.table_name, c.name, 'foreign key'
      FROM reference r CROSS JOIN LATERAL unnest(r.columns) AS c (name)
     UNION ALL
    SELECT r.place, r.target_oid, r.target_name, c.name, 'a foreign key of ' || r.table_name
      FROM reference r CROSS JOIN LATERAL unnest(r.target) AS c (name)
), bearing AS ( -- column names that betray a table which knows of tenants, organizations, people
    SELECT jsonb_array_elements_text(plan.doc -> 'bearing') AS name FROM plan
     UNION SELECT unnest(plan.columns) FROM plan
     UNION SELECT source_column FROM planned WHERE source_column IS NOT NULL
), shown_name AS ( -- how a relation is called in a sentence
    SELECT c.oid, c.relnamespace,
           CASE WHEN c.relnamespace = plan.schema_oid THEN c.relname::text
                ELSE format('%s.%s', n.nspname, c.relname) END AS name
      FROM plan, pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
)

-- ---- findings: one CTE each ----

, no_schema AS (
    SELECT 0 AS place, 'tables' AS grp, plan.schema AS subject, 'fail' AS verdict,
           format('there is no schema ''%s''', plan.schema) AS message,
           'see ''schema'' in [plan], and whether this is the right database' AS detail,
           NULL::bigint AS count
      FROM plan WHERE plan.schema_oid IS NULL
), no_table AS (
    SELECT p.place, 'tables', p.name,
           CASE WHEN p.optional THEN 'pass' ELSE 'fail' END,
           CASE WHEN p.optional
                THEN 'is not in this database; the plan calls it optional, so it is passed over'
                ELSE 'is not in this database' END,
           (SELECT 'there is ' || string_agg(format('%I.%I', n.nspname, c.relname), ', ')
              FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE lower(c.relname) = lower(p.name) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')),
           NULL::bigint
      FROM planned p, plan WHERE p.oid IS NULL AND plan.schema_oid IS NOT NULL
), no_users AS (
    SELECT 0, 'tables', u.name, 'fail', 'is not in this database, and it tells each user''s codes',
           'see ''users'' in [mapping]', NULL::bigint
      FROM users u, plan WHERE u.oid IS NULL AND plan.schema_oid IS NOT NULL
), no_relative AS ( -- an optional table is not there, and one that is there leads to it
    SELECT p.place, 'tables', p.name, 'fail',
           format('%s ''%s'', which is not in this database', way.what, way.name),
           'a table that others lead to cannot be optional', NULL::bigint
      FROM planned p
     CROSS JOIN LATERAL (
           SELECT 'takes its codes from' AS what, p.parent_table AS name
            UNION ALL
           SELECT 'has a foreign key to', f.doc ->> 'table'
             FROM jsonb_array_elements(p.doc -> 'references') AS f (doc)) AS way
      JOIN planned t ON t.name = way.name
     WHERE p.is_table AND t.oid IS NULL AND t.optional
), no_plain_table AS (
    SELECT p.place, 'tables', p.name, 'fail',
           CASE WHEN p.relispartition THEN 'is a partition; only a whole table can be migrated'
                WHEN p.relkind = 'p' THEN 'is partitioned; only plain tables can be migrated'
                ELSE format('is %s, not a table',
                            CASE p.relkind WHEN 'v' THEN 'a view' WHEN 'm' THEN 'a materialized view'
                                           WHEN 'f' THEN 'a foreign table'
                                           WHEN 'S' THEN 'a sequence' WHEN 'c' THEN 'a type'
                                           ELSE 'an index' END) END,
           CASE WHEN p.relkind = 'p'
                THEN 'its keys must hold the partition key, and its indexes cannot be built '
                     'without blocking' END,
           NULL::bigint
      FROM planned p WHERE p.oid IS NOT NULL AND (p.relkind <> 'r' OR p.relispartition)
), unlogged_table AS (
    SELECT p.place, 'tables', p.name, 'warn', 'is unlogged: a crash empties it', NULL, NULL::bigint
      FROM planned p WHERE p.relkind = 'r' AND p.relpersistence = 'u'
), heirs AS ( -- their rows are read with those of the table, and neither filled nor held by its keys
    SELECT p.place, 'tables', p.name, 'fail',
           'has tables that inherit from it; only plain tables can be migrated',
           'they would not be filled, and its keys do not reach them: '
           || string_agg(s.name, ', ' ORDER BY s.name), count(*)
      FROM planned p
      JOIN pg_inherits h ON h.inhparent = p.oid
      JOIN shown_name s ON s.oid = h.inhrelid
     WHERE p.relkind = 'r'
     GROUP BY p.place, p.name
), no_column AS (
    SELECT n.place, 'columns', n.table_name, 'fail',
           format('has no column ''%s''', n.column_name),
           'the plan names it in ' || string_agg(DISTINCT n.purpose, ', '), NULL::bigint
      FROM needed n
     WHERE NOT EXISTS (SELECT 1 FROM future f WHERE f.oid = n.oid AND f.name = n.column_name)
     GROUP BY n.place, n.table_name, n.column_name
), other_type AS ( -- the column is there; validate would refuse it in the end, so it is said now
    SELECT a.place, 'columns', a.table_name, 'fail',
           format('has ''%s'' already, as %s; the plan says %s', a.name, a.present_type, a.type),
           'change the type in the plan or in the database, so that they agree', NULL::bigint
      FROM addition a
     WHERE a.present_type <> a.type
), generated_column AS (
    SELECT a.place, 'columns', a.table_name, 'fail',
           format('has ''%s'' already, as a generated column, which nobody can fill', a.name),
           'DROP EXPRESSION makes a plain column of it', NULL::bigint
      FROM addition a WHERE a.is_generated
), primary_without_tenant AS (
    SELECT k.place, 'keys', k.table_name, 'fail',
           format('the new primary key (%s) lacks %s', array_to_string(k.columns, ', '),
                  plan.tenant),
           'two tenants could not have a row of the same key', NULL::bigint
      FROM new_key k, plan
     WHERE k.purpose = 'primary key' AND NOT plan.tenant = ANY (k.columns)
), unique_without_tenant AS (
    SELECT k.place, 'keys', k.table_name, plan.verdict_without_tenant,
           format('the new unique (%s) lacks %s', array_to_string(k.columns, ', '), plan.tenant),
           'two tenants could not have the same values', NULL::bigint
      FROM new_key k, plan
     WHERE k.purpose = 'unique' AND NOT plan.tenant = ANY (k.columns)
), primary_with_null AS (
    SELECT k.place, 'keys', k.table_name, 'warn',
           format('''%s'' is in the new primary key and may be NULL today', f.name),
           format('SELECT * FROM %I.%I WHERE %I IS NULL LIMIT 10', plan.schema, k.table_name,
                  f.name),
           NULL::bigint
      FROM new_key k
      JOIN future f ON f.oid = k.oid AND f.name = ANY (k.columns)
     CROSS JOIN plan
     WHERE k.purpose = 'primary key' AND NOT f.not_null AND NOT f.name = ANY (plan.columns)
), nothing_to_replace AS (
    SELECT k.place, 'keys', k.table_name, 'warn',
           format('there is no unique index ''%s'' for the new unique (%s) to replace', k.replaces,
                  array_to_string(k.columns, ', ')),
           'if the old one had a WHERE, the new one will be without, and may meet rows that it '
           'refuses', NULL::bigint
      FROM new_key k
     WHERE k.replaces IS NOT NULL AND k.replaced IS NULL AND NOT k.exists
), could_clash AS ( -- nothing that is unique today proves that the new key will be
    SELECT k.place, 'keys', k.table_name, 'warn',
           format('the new %s (%s) may meet rows that are alike: nothing makes %s unique today',
                  k.purpose, array_to_string(k.columns, ', '), today.list),
           CASE WHEN today.quoted IS NOT NULL THEN
               format('SELECT %s, count(*) FROM %I.%I%s GROUP BY %s HAVING count(*) > 1',
                      today.quoted, plan.schema, k.table_name, ' WHERE ' || k.condition,
                      today.quoted) END,
           NULL::bigint
      FROM new_key k
     CROSS JOIN plan
     CROSS JOIN LATERAL (
           SELECT coalesce(string_agg(c.name, ', ' ORDER BY c.place), 'it') AS list,
                  string_agg(quote_ident(c.name), ', ' ORDER BY c.place) AS quoted
             FROM unnest(k.columns) WITH ORDINALITY AS c (name, place)
            WHERE NOT c.name = ANY (plan.columns)) AS today
     WHERE NOT k.exists
       AND NOT EXISTS (SELECT 1 FROM old_key o
                        WHERE o.oid = k.oid AND o.columns <@ k.columns
                          AND (NOT o.is_partial OR o.indexrelid = k.replaced))
), lost_unique AS ( -- it goes, and no new key refuses all that it refused
    SELECT o.place, 'keys', p.name, 'warn',
           format('what %s ''%s'' (%s) keeps unique is unique no more after the migration',
                  CASE WHEN o.is_primary THEN 'the old primary key' ELSE 'the old unique index' END,
                  o.name, coalesce(array_to_string(o.columns, ', '), 'an expression')),
           format('add: unique = %s %s%s', plan.tenant,
                  coalesce(array_to_string(o.columns, ' '), '...'),
                  CASE WHEN o.is_primary THEN '' ELSE ' replacing ' || o.name END),
           NULL::bigint
      FROM leaving o
      JOIN planned p ON p.oid = o.oid
     CROSS JOIN plan
     WHERE NOT EXISTS (SELECT 1 FROM new_key n
                        WHERE n.oid = o.oid AND n.columns <@ (o.columns || plan.columns)
                          AND (NOT n.is_partial OR n.replaced = o.indexrelid))
), unmade_unique AS ( -- it stays as it is, over all tenants
    SELECT o.place, 'keys', p.name, plan.verdict_without_tenant,
           format('unique index ''%s'' (%s) has no form with %s in the plan', o.name,
                  coalesce(array_to_string(o.columns, ', '), 'an expression'), plan.tenant),
           format(E'it goes on over all tenants, so that two of them cannot have the same values; '
                  'dropped, its uniqueness is lost%s',
                  E'\nadd: unique = ' || plan.tenant || ' ' || array_to_string(o.columns, ' ')
                  || ' replacing ' || o.name),
           NULL::bigint
      FROM old_key o
      JOIN planned p ON p.oid = o.oid
     CROSS JOIN plan
     WHERE NOT o.is_primary AND (o.columns IS NULL OR NOT plan.tenant = ANY (o.columns))
       AND NOT EXISTS (SELECT 1 FROM leaving l WHERE l.indexrelid = o.indexrelid)
), in_the_way AS ( -- others that depend on a key which goes: nothing is ever dropped with CASCADE
    SELECT o.place, 'keys', p.name, 'fail',
           format('foreign key ''%s'' of ''%s'' depends on the old %s', c.conname, s.name,
                  CASE WHEN o.is_primary THEN 'primary key' ELSE 'unique ' || o.name END),
           'the plan must have a foreign key with ' || plan.tenant || ' that takes its place',
           NULL::bigint
      FROM leaving o
      JOIN planned p ON p.oid = o.oid
      JOIN pg_constraint c ON c.contype = 'f' AND c.conindid = o.indexrelid
      JOIN shown_name s ON s.oid = c.conrelid
     CROSS JOIN plan
     WHERE NOT EXISTS (SELECT 1 FROM reference r
                        WHERE r.oid = c.conrelid AND r.target_oid = c.confrelid
                          AND o.columns <@ r.target)
     UNION ALL -- what one with the tenant could not do; the step keys refuses it as well
    SELECT o.place, 'keys', p.name, 'fail',
           format('foreign key ''%s'' of ''%s'' %s, which one with the tenant cannot do', c.conname,
                  s.name, CASE WHEN c.confupdtype IN ('n', 'd') THEN 'empties columns ON UPDATE'
                               ELSE 'says MATCH FULL' END),
           'give it another action, or drop it', NULL::bigint
      FROM leaving o
      JOIN planned p ON p.oid = o.oid
      JOIN pg_constraint c ON c.contype = 'f' AND c.conindid = o.indexrelid
                          AND (c.confupdtype IN ('n', 'd')
                               OR (c.confmatchtype = 'f' AND cardinality(c.conkey) > 1))
      JOIN shown_name s ON s.oid = c.conrelid
     UNION ALL
    SELECT DISTINCT o.place, 'keys', p.name, 'fail',
           format('view ''%s'' depends on the old %s', s.name,
                  CASE WHEN o.is_primary THEN 'primary key' ELSE 'unique ' || o.name END),
           'it groups by the key alone; name all its columns in GROUP BY', NULL::bigint
      FROM leaving o
      JOIN planned p ON p.oid = o.oid
      JOIN pg_depend d ON d.refclassid = 'pg_constraint'::regclass
                      AND d.refobjid = o.constraint_oid AND d.classid = 'pg_rewrite'::regclass
      JOIN pg_rewrite w ON w.oid = d.objid
      JOIN shown_name s ON s.oid = w.ev_class
     UNION ALL
    SELECT DISTINCT o.place, 'keys', p.name, 'fail',
           format('function ''%s'' depends on the old %s', d.objid::regprocedure,
                  CASE WHEN o.is_primary THEN 'primary key' ELSE 'unique ' || o.name END),
           'it groups by the key alone; name all its columns in GROUP BY', NULL::bigint
      FROM leaving o
      JOIN planned p ON p.oid = o.oid
      JOIN pg_depend d ON d.refclassid = 'pg_constraint'::regclass
                      AND d.refobjid = o.constraint_oid AND d.classid = 'pg_proc'::regclass
), unpublished AS ( -- what a publication sends or asks of a changed row must fit its new identity
    -- Lists and filters came with PostgreSQL 15: of 14's row there is no such member.
    SELECT n.place, 'keys', n.table_name, 'fail',
           format('publication ''%s'' would refuse each UPDATE and DELETE: %s', u.pubname,
                  CASE WHEN sent.columns IS NULL
                       THEN format('its WHERE reads %s, which the new primary key lacks',
                                   array_to_string(lost.columns, ', '))
                       ELSE format('it lists columns, and not %s of the new primary key',
                                   array_to_string(lost.columns, ', ')) END),
           format('publish all of its columns and rows: ALTER PUBLICATION %I DROP TABLE %s; ALTER '
                  'PUBLICATION %1$I ADD TABLE %2$s', u.pubname, n.oid::regclass), NULL::bigint
      FROM new_key n
      JOIN leaving o ON o.oid = n.oid AND o.is_identity
      JOIN pg_publication_rel r ON r.prrelid = n.oid
      JOIN pg_publication u ON u.oid = r.prpubid AND (u.pubupdate OR u.pubdelete)
     CROSS JOIN LATERAL (
           SELECT array_agg(a.attname::text) AS columns
             FROM pg_attribute a
            WHERE a.attrelid = n.oid AND a.attnum > 0
              AND to_jsonb(r) -> 'prattrs' @> to_jsonb(a.attnum)) AS sent
     CROSS JOIN LATERAL (
           SELECT array_agg(a.attname::text) AS columns
             FROM pg_depend d
             JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
            WHERE d.classid = 'pg_publication_rel'::regclass AND d.objid = r.oid
              AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0) AS read
     CROSS JOIN LATERAL (
           SELECT array_agg(c.name) AS columns
             FROM unnest(CASE WHEN sent.columns IS NULL THEN read.columns ELSE n.columns END)
                  AS c (name)
            WHERE c.name <> ALL (coalesce(sent.columns, n.columns))) AS lost
     WHERE n.purpose = 'primary key' AND lost.columns IS NOT NULL
), ambiguous_lookup AS (
    SELECT l.place, 'references', l.table_name, 'warn',
           format('takes its codes by %s.%s, which nothing makes unique', l.target_name,
                  l.target_column),
           format('SELECT %I, count(*) FROM %I.%I GROUP BY %I HAVING count(*) > 1', l.target_column,
                  plan.schema, l.target_name, l.target_column),
           NULL::bigint
      FROM lookup l CROSS JOIN plan
     WHERE NOT EXISTS (SELECT 1 FROM old_key o
                        WHERE o.oid = l.target_oid AND NOT o.is_partial
                          AND o.columns <@ ARRAY[l.target_column])
       AND NOT EXISTS (SELECT 1 FROM pg_index i -- a user table that is none of the plan's
                         JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
                        WHERE i.indrelid = l.target_oid AND i.indisunique AND i.indisvalid
                          AND i.indnkeyatts = 1 AND i.indpred IS NULL
                          AND a.attname = l.target_column)
       -- After the migration the key is unique within a tenant, and there is nothing to look up.
       AND NOT EXISTS (SELECT 1 FROM new_key n
                        WHERE n.oid = l.target_oid AND n.exists
                          AND l.target_column = ANY (n.columns)
                          AND n.columns <@ (plan.columns || l.target_column))
), no_target AS (
    SELECT r.place, 'references', r.table_name, 'fail',
           format('its foreign key points to %s (%s), and no key of the plan makes that unique',
                  r.target_name, array_to_string(r.target, ', ')),
           'the table that it points to needs these columns as primary key or unique', NULL::bigint
      FROM reference r
     WHERE NOT EXISTS (SELECT 1 FROM new_key n
                        WHERE n.oid = r.target_oid AND NOT n.is_partial
                          AND n.columns <@ r.target AND r.target <@ n.columns)
       AND NOT EXISTS (SELECT 1 FROM old_key o
                        WHERE o.oid = r.target_oid AND NOT o.is_partial
                          AND o.columns <@ r.target AND r.target <@ o.columns
                          AND o.indexrelid NOT IN (SELECT indexrelid FROM leaving))
), joined_pair AS ( -- columns that are compared with each other
    SELECT r.place, r.oid, r.table_name, pair.column_name, r.target_oid,
           r.target_name, pair.target_column, 'its foreign key compares' AS what
      FROM reference r
     CROSS JOIN LATERAL unnest(r.columns, r.target) AS pair (column_name, target_column)
     UNION ALL
    SELECT place, oid, table_name, source_column, target_oid, target_name, target_column,
           'it finds its codes by comparing'
      FROM lookup
), other_types AS ( -- integer and bigint can be compared; integer and varchar cannot
    SELECT j.place, 'references', j.table_name,
           CASE WHEN y.typcategory = z.typcategory THEN 'warn' ELSE 'fail' END,
           format('%s %s (%s) with %s.%s (%s)', j.what, j.column_name, f.type, j.target_name,
                  j.target_column, t.type),
           'the types differ', NULL::bigint
      FROM joined_pair j
      JOIN future f ON f.oid = j.oid AND f.name = j.column_name
      JOIN future t ON t.oid = j.target_oid AND t.name = j.target_column
      JOIN pg_type y ON y.oid = f.type_oid
      JOIN pg_type z ON z.oid = t.type_oid
     WHERE f.type_oid <> t.type_oid
), uncovered AS ( -- coverage: a table that knows of tenants and stands nowhere in the plan
    SELECT 1000000, 'coverage', c.relname::text, 'warn',
           format('%s, but stands neither in the plan nor in its ''ignore''',
                  concat_ws(' and ', 'carries ' || has.columns, 'points to ' || pointing.tables)),
           'its rows would belong to no tenant: add a [table], or say in ''ignore'' that it has '
           'none', NULL::bigint
      FROM plan
      JOIN pg_class c ON c.relnamespace = plan.schema_oid AND c.relkind IN ('r', 'p', 'f')
                     AND NOT c.relispartition
     CROSS JOIN LATERAL (
           SELECT string_agg(b.name, ', ' ORDER BY b.name) AS columns
             FROM bearing b
             JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = b.name
                                AND a.attnum > 0 AND NOT a.attisdropped) AS has
     CROSS JOIN LATERAL (
           SELECT string_agg(DISTINCT p.name, ', ') AS tables
             FROM pg_constraint f JOIN planned p ON p.oid = f.confrelid
            WHERE f.conrelid = c.oid AND f.contype = 'f') AS pointing
     WHERE (has.columns IS NOT NULL OR pointing.tables IS NOT NULL)
       AND c.relname::text NOT IN (SELECT name FROM planned)
       AND NOT plan.doc -> 'ignored' ? c.relname::text
       AND NOT EXISTS (SELECT 1 FROM pg_depend d -- of an extension
                        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                          AND d.deptype = 'e')
), triggers AS ( -- the application's own, that an UPDATE would fire
    SELECT p.place, 'surroundings', p.name, 'warn',
           format('%s would fire while the columns are filled: %s',
                  CASE count(*) WHEN 1 THEN 'a trigger' ELSE 'triggers' END,
                  string_agg(t.tgname || CASE t.tgenabled WHEN 'A' THEN ' (always)' ELSE '' END,
                             ', ' ORDER BY t.tgname)),
           'they stay quiet only where session_replication_role may be set, and those marked '
           '(always) not even then', count(*)
      FROM planned p
      JOIN pg_trigger t ON t.tgrelid = p.oid AND NOT t.tgisinternal
                       AND t.tgenabled IN ('O', 'A') AND t.tgtype & 16 <> 0
      JOIN pg_proc f ON f.oid = t.tgfoid
      LEFT JOIN pg_namespace n ON n.oid = f.pronamespace
     WHERE n.nspname IS DISTINCT FROM 'tenantdeck'
     GROUP BY p.place, p.name
), views AS (
    SELECT v.place, 'surroundings', v.table_name, 'warn',
           format('read by %s', string_agg(
               CASE v.relkind WHEN 'm' THEN 'materialized view ' ELSE 'view ' END || v.name, ', '
               ORDER BY v.name)),
           'they will not have the new columns, and show the rows of all tenants, until they are '
           'made anew', count(*)
      FROM (SELECT DISTINCT p.place, p.name AS table_name, s.name, c.relkind
              FROM planned p
              JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = p.oid
                              AND d.classid = 'pg_rewrite'::regclass
              JOIN pg_rewrite w ON w.oid = d.objid AND w.ev_class <> p.oid
              JOIN pg_class c ON c.oid = w.ev_class
              JOIN shown_name s ON s.oid = c.oid
             WHERE p.is_table) AS v
     GROUP BY v.place, v.table_name
), row_security AS (
    SELECT p.place, 'surroundings', p.name, 'warn',
           'has row level security'
           || CASE WHEN p.relforcerowsecurity THEN ', for its owner too' ELSE '' END,
           'a role that a policy binds gets an error here, never a part of the rows; the migration '
           'needs BYPASSRLS' || CASE WHEN p.relforcerowsecurity THEN '' ELSE ' or the owner' END,
           NULL::bigint
      FROM planned p WHERE p.relrowsecurity
), finding AS MATERIALIZED (
    SELECT * FROM no_schema UNION ALL SELECT * FROM no_table UNION ALL SELECT * FROM no_users
     UNION ALL SELECT * FROM no_relative
     UNION ALL SELECT * FROM no_plain_table UNION ALL SELECT * FROM unlogged_table
     UNION ALL SELECT * FROM heirs
     UNION ALL SELECT * FROM no_column UNION ALL SELECT * FROM other_type
     UNION ALL SELECT * FROM generated_column
     UNION ALL SELECT * FROM primary_without_tenant UNION ALL SELECT * FROM unique_without_tenant
     UNION ALL SELECT * FROM primary_with_null UNION ALL SELECT * FROM nothing_to_replace
     UNION ALL SELECT * FROM could_clash UNION ALL SELECT * FROM lost_unique
     UNION ALL SELECT * FROM unmade_unique UNION ALL SELECT * FROM in_the_way
     UNION ALL SELECT * FROM unpublished
     UNION ALL SELECT * FROM ambiguous_lookup UNION ALL SELECT * FROM no_target
     UNION ALL SELECT * FROM other_types UNION ALL SELECT * FROM uncovered
     UNION ALL SELECT * FROM triggers UNION ALL SELECT * FROM views
     UNION ALL SELECT * FROM row_security
)

-- ---- where the database stands ----

, state AS ( -- of each table: how much of the plan's columns is there
    SELECT a.place, a.table_name,
           CASE WHEN count(a.present_type) = 0 THEN 'before'
                WHEN count(a.present_type) < count(*) THEN 'some'
                WHEN bool_and(a.not_null OR NOT a.wants_not_null) THEN 'not null'
                ELSE 'nullable' END AS columns
      FROM addition a
     GROUP BY a.place, a.table_name
), overview AS (
    SELECT 0::bigint AS place, 'state' AS grp, plan.schema AS subject,
           CASE WHEN count(DISTINCT s.columns) > 1 THEN 'warn' ELSE 'pass' END AS verdict,
           CASE WHEN count(DISTINCT s.columns) > 1 THEN 'half migrated: ' ELSE '' END
           || concat_ws('; ',
                'tables without the columns: '
                    || nullif(count(*) FILTER (WHERE s.columns = 'before'), 0),
                'tables with some of the columns: '
                    || nullif(count(*) FILTER (WHERE s.columns = 'some'), 0),
                'tables with the columns, NULL allowed: '
                    || nullif(count(*) FILTER (WHERE s.columns = 'nullable'), 0),
                'tables with the columns, NOT NULL as planned: '
                    || nullif(count(*) FILTER (WHERE s.columns = 'not null'), 0)) AS message,
           CASE WHEN count(DISTINCT s.columns) > 1 THEN
               string_agg(s.table_name || ': ' || s.columns, E'\n' ORDER BY s.place) END AS detail,
           count(*) AS count
      FROM state s CROSS JOIN plan
     GROUP BY plan.schema
), fits AS ( -- a table with which nothing is wrong
    SELECT s.place, 'tables' AS grp, s.table_name AS subject, 'pass' AS verdict,
           format('fits; %s; %s',
                  CASE s.columns WHEN 'before' THEN 'the columns are not there yet'
                                 WHEN 'some' THEN 'some of the columns are there'
                                 WHEN 'nullable' THEN 'the columns are there, NULL is allowed'
                                 ELSE 'the columns are there, NOT NULL as planned' END,
                  CASE WHEN n.exists
                       THEN format('its primary key is (%s) already', array_to_string(n.columns, ', '))
                       WHEN n.columns IS NULL THEN 'its primary key stays'
                       ELSE format('its primary key (%s) becomes (%s)',
                                   coalesce(array_to_string(o.columns, ', '), 'none'),
                                   array_to_string(n.columns, ', ')) END) AS message,
           NULL AS detail, NULL::bigint AS count
      FROM state s
      LEFT JOIN new_key n ON n.place = s.place AND n.purpose = 'primary key'
      LEFT JOIN old_key o ON o.place = s.place AND o.is_primary
     WHERE NOT EXISTS (SELECT 1 FROM finding f
                        WHERE f.subject = s.table_name AND f.verdict <> 'pass')
)
SELECT r.grp, r.subject, r.verdict, r.message, r.detail, r.count
  FROM (SELECT * FROM overview UNION ALL SELECT * FROM finding UNION ALL SELECT * FROM fits) AS r
 ORDER BY r.place, r.subject, r.grp, r.message;
