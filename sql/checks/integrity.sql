-- Is the data fit to be migrated? Asked after the codes have been loaded and before anything is written.
-- What is found here would otherwise be found by a step that fails half-way, or by nobody.

-- name: check_integrity
-- One row a check for the tables of the plan ($1, as JSON) in mode $2 (online or window): check_group,
-- check_name, subject, severity, verdict, count, message, samples, query, fix. Rows are only read by
-- `query`, which answers verdict, count, message and samples and can be run in psql as it is. Rows
-- whose tenant cannot be known fail where the plan refuses them, and warn where they get the default
-- or are put aside. The checks named 'rows before' count each table, to be compared with later.
-- include: way.sql

-- ---- what may be found ----

, subject AS MATERIALIZED ( -- a table with all that its codes need
    SELECT p.*, r.joins, r.tenant, r.organization, r.missing, r.may_park,
           format('%s AS t%s', p.shown, r.joins) AS rows,
           plan.tenant AS tenant_column, plan.organization AS organization_column,
           p.oid IS NOT NULL AND r.place IS NOT NULL AND cardinality(r.missing) = 0 AS known,
           keys.list AS key_columns, plan.distribute AS is_spread,
           -- Each shard of Citus has a ctid of its own kind: there a row is told by its key.
           CASE WHEN plan.distribute THEN format('jsonb_build_object(%s)', keys.list) ELSE 't.ctid' END
               AS row_now
      FROM planned p
     CROSS JOIN plan
      LEFT JOIN route r ON r.place = p.place
     CROSS JOIN LATERAL (
           SELECT coalesce(string_agg(format('%L, t.%I', c.name, c.name), ', ' ORDER BY c.number),
                           '''row'', t.ctid') AS list
             FROM present c
            WHERE c.oid = p.oid AND c.plain
              AND EXISTS (SELECT 1 FROM pg_index i
                           WHERE i.indrelid = p.oid AND i.indisprimary
                             AND c.number = ANY (i.indkey))) AS keys
), users_known AS ( -- users whose organization can be asked for
    SELECT u.*
      FROM users u
     WHERE (SELECT count(*) FROM present c
             WHERE c.oid = u.oid AND c.plain AND c.name IN (u.user_key, u.user_column)) = 2
), codes AS MATERIALIZED (
    SELECT m.key, m.organization_code, m.tenant_code
      FROM plan JOIN tenantdeck.mapping m ON m.plan = plan.name
), width AS ( -- how long a code may be, by the plan and by the columns that are there already
    SELECT c.doc ->> 'name' AS column_name, c.doc ->> 'role' AS role,
           least(substring(c.doc ->> 'type' FROM '\((\d+)\)')::integer,
                 (SELECT min(a.atttypmod - 4)
                    FROM planned p
                    JOIN pg_attribute a ON a.attrelid = p.oid AND a.attname = c.doc ->> 'name'
                                       AND NOT a.attisdropped AND a.atttypmod > 4
                   WHERE a.atttypid IN ('varchar'::regtype, 'bpchar'::regtype))) AS letters
      FROM plan, jsonb_array_elements(plan.doc -> 'columns') AS c (doc)
), odd_code AS MATERIALIZED ( -- codes of the mapping that would make trouble, by the check that says so
    SELECT 'names of views' AS check_name, tenant_code AS code
      FROM codes WHERE tenant_code !~ '^[a-z_][a-z0-9_]{0,24}$'
     GROUP BY tenant_code
     UNION ALL
    SELECT DISTINCT 'length of ' || w.column_name, long.code
      FROM width w
     CROSS JOIN LATERAL (
           SELECT CASE w.role WHEN 'tenant' THEN c.tenant_code ELSE c.organization_code END AS code
             FROM codes c) AS long
     WHERE length(long.code) > w.letters
     UNION ALL
    SELECT 'one tenant each', organization_code
      FROM codes WHERE organization_code IS NOT NULL
     GROUP BY organization_code HAVING count(DISTINCT tenant_code) > 1
     UNION ALL
    SELECT 'one key each', organization_code
      FROM codes WHERE organization_code IS NOT NULL
     GROUP BY tenant_code, organization_code HAVING count(*) > 1
), mapping_check AS ( -- what is said of such codes, what where there are none, and what shows them
    SELECT c.check_name, c.verdict, c.trouble, c.none, c.condition
      FROM (VALUES
           ('names of views', 'warn',
            'tenant codes are not fit for names of views: small letters, digits and _ are, up to 25, '
            'and no digit first',
            'every tenant code is fit for names of views',
            'tenant_code !~ ''^[a-z_][a-z0-9_]{0,24}$'''),
           ('one tenant each', 'warn', 'organization codes stand in more than one tenant',
            'every organization code stands in one tenant',
            'organization_code IN (SELECT organization_code FROM tenantdeck.mapping '
            'GROUP BY plan, organization_code HAVING count(DISTINCT tenant_code) > 1)'),
           ('one key each', 'warn',
            'organization codes are given to more than one key of their tenant',
            'no two keys of a tenant have the same organization code',
            '(tenant_code, organization_code) IN (SELECT tenant_code, organization_code '
            'FROM tenantdeck.mapping GROUP BY plan, 1, 2 HAVING count(*) > 1)'))
           AS c (check_name, verdict, trouble, none, condition)
     UNION ALL
    SELECT 'length of ' || w.column_name, 'fail',
           format('codes are longer than %I holds (%s letters)', w.column_name, w.letters),
           format('every code fits into %I', w.column_name),
           format('length(%s) > %s', w.role || '_code', w.letters)
      FROM width w WHERE w.letters IS NOT NULL
), looked_up AS ( -- per table: what is asked for the codes, and what each kind of failure is called
    SELECT s.place, s.name, s.orphans, s.key_columns, s.source_column AS column_name, s.shown, s.row_now,
           s.is_spread,
           format('%s AS t%s', s.shown,
                  CASE WHEN s.source = 'parent' AND NOT s.may_park
                       THEN format(' LEFT JOIN %s AS t1 ON %s', sought.text, way.matches)
                       ELSE s.joins END) AS rows,
           CASE s.source WHEN 'own' THEN 'm.key' WHEN 'user' THEN format('u.%I', u.user_column)
                         ELSE format('t1.%I', s.parent_column) END AS found,
           -- A child of a row that is put aside has no codes either, whatever is said of its own.
           CASE WHEN s.source = 'user' THEN 'm.key IS NOT NULL'
                WHEN s.source = 'parent' AND s.may_park THEN format('(%s) IS NOT NULL', s.tenant)
                ELSE 'true' END AS has_codes,
           CASE s.source WHEN 'parent' THEN 'leads to a row that is put aside'
                         ELSE 'is of an organization without codes' END AS no_codes,
           CASE s.source WHEN 'own' THEN 'is not in the mapping'
                         WHEN 'user' THEN format('is no user of %I', u.name)
                         ELSE format('is not in %I', s.parent_table) END AS absent,
           CASE s.source WHEN 'own' THEN 'keys' WHEN 'user' THEN 'users' ELSE 'parents' END
               AS check_name,
           s.source <> 'parent' AS has_zero,
           CASE s.source
           WHEN 'parent'
           THEN format('DELETE FROM %s AS t WHERE NOT EXISTS (SELECT 1 FROM %s AS t1 WHERE %s); -- or %s',
                       s.shown, up.shown, way.matches, policy.words)
           WHEN 'own'
           THEN format('SELECT t.%I, count(*) FROM %s AS t%s WHERE m.key IS NULL GROUP BY 1; -- add them '
                       'to the mapping file, or %s', s.source_column, s.shown, way.joins, policy.words)
           ELSE format('SELECT t.* FROM %s AS t%s WHERE m.key IS NULL; -- name another user there, or %s',
                       s.shown, way.joins, policy.words) END AS fix
      FROM subject s
     CROSS JOIN (SELECT 'say ''orphans = default'' or ''orphans = park'' of this table in the plan')
                AS policy (words)
      LEFT JOIN users_known u ON true
      LEFT JOIN planned up ON up.name = s.parent_table
      LEFT JOIN looked_in sought ON sought.place = up.place
      LEFT JOIN pair ON pair.place = s.place
     CROSS JOIN LATERAL (SELECT format(pair.condition, format('t1.%I', s.parent_column),
                                       format('t.%I', s.source_column)) AS matches,
                                replace(s.joins, E'\n  LEFT JOIN', ' LEFT JOIN') AS joins) AS way
     WHERE s.known AND s.source <> 'constant'
     UNION ALL -- users that are asked for their organization, but are no table of the plan by it
    SELECT 0, u.name, 'refuse', format('%L, t.%I', u.user_column, u.user_column), u.user_key, u.shown,
           CASE WHEN plan.distribute THEN format('jsonb_build_object(%L, t.%I)', u.user_column, u.user_column)
                ELSE 't.ctid' END, plan.distribute,
           format('%s AS t LEFT JOIN tenantdeck.mapping AS m ON m.plan = %L AND m.key = t.%I::text',
                  u.shown, plan.name, u.user_key),
           'm.key', 'true', 'is of an organization without codes', 'is not in the mapping', 'keys', true,
           format('SELECT t.%I, count(*) FROM %s AS t LEFT JOIN tenantdeck.mapping AS m ON m.plan = %L '
                  'AND m.key = t.%1$I::text WHERE m.key IS NULL GROUP BY 1; -- add them to the mapping file',
                  u.user_key, u.shown, plan.name)
      FROM users_known u CROSS JOIN plan
     WHERE EXISTS (SELECT 1 FROM planned WHERE source = 'user')
       AND NOT EXISTS (SELECT 1 FROM planned p
                        WHERE p.name = u.name AND p.source = 'own' AND p.source_column = u.user_key)
), source_check AS (
    SELECT l.place, 1 AS turn, 'references' AS check_group, l.check_name, l.name AS subject,
           CASE l.orphans WHEN 'refuse' THEN 'error' ELSE 'warn' END AS severity,
           NULL AS verdict, NULL AS message,
           format($query$WITH odd AS MATERIALIZED (
    SELECT why, value, count(*) AS rows, min(row%14$s) AS first
      FROM (SELECT %13$s AS row, t.%1$I::text AS value,
                   CASE WHEN t.%1$I IS NULL THEN 'is NULL'
                        WHEN %3$s IS NULL AND %2$s THEN 'is 0'
                        WHEN %3$s IS NULL THEN %4$L
                        WHEN NOT (%5$s) THEN %12$L END AS why
              FROM %6$s) AS looked
     WHERE why IS NOT NULL
     GROUP BY why, value
), told AS (
    SELECT why, sum(rows) AS rows, count(*) AS values FROM odd GROUP BY why
), judged AS (
    SELECT coalesce(sum(rows), 0)::bigint AS rows,
           string_agg(format('%%s %%s (rows: %%s%%s)', %1$L, why, rows,
                             CASE WHEN why NOT IN ('is NULL', 'is 0')
                                  THEN format(', values: %%s', values) END),
                      '; ' ORDER BY rows DESC, why) AS message
      FROM told
)
SELECT CASE WHEN rows > 0 THEN %7$L ELSE 'pass' END AS verdict, rows AS count,
       CASE WHEN rows > 0 THEN format('%%s; %%s', message, %8$L) ELSE %9$L END AS message,
       (SELECT jsonb_agg(jsonb_build_object('why', o.why, %1$L, o.value, 'rows', o.rows,
                                            'first', %10$s))
          FROM (SELECT * FROM odd ORDER BY rows DESC, why, value LIMIT 5) AS o%11$s) AS samples
  FROM judged$query$,
                  l.column_name,
                  CASE WHEN l.has_zero THEN format('t.%I::text = ''0''', l.column_name) ELSE 'false' END,
                  l.found, l.absent, l.has_codes, l.rows,
                  CASE l.orphans WHEN 'refuse' THEN 'fail' ELSE 'warn' END,
                  CASE l.orphans
                  WHEN 'refuse' THEN 'the plan refuses them'
                  WHEN 'park' THEN 'they are put aside, and keep NOT NULL and the keys from being set'
                  ELSE format('they get the default: %s',
                              concat_ws(' ', plan.mapping ->> 'default_organization',
                                        plan.mapping ->> 'default_tenant')) END,
                  format('%s leads every row to its codes', l.column_name),
                  CASE WHEN l.is_spread THEN 'o.first::jsonb'
                       ELSE format('jsonb_build_object(%s)', l.key_columns) END,
                  CASE WHEN NOT l.is_spread
                       THEN format(E'\n          JOIN %s AS t ON t.ctid = o.first', l.shown) END,
                  l.no_codes, l.row_now, CASE WHEN l.is_spread THEN '::text' END) AS query,
           CASE WHEN l.orphans <> 'default' THEN l.fix END AS fix
      FROM looked_up l CROSS JOIN plan
), lookup AS ( -- what others find their codes by, where nothing makes it unique
    SELECT DISTINCT ON (s.place) s.place, s.name, p.parent_column AS column_name,
           s.rows, s.tenant, s.organization
      FROM planned p JOIN subject s ON s.name = p.parent_table AND s.known
     WHERE p.source = 'parent' AND p.oid IS NOT NULL
       AND EXISTS (SELECT 1 FROM present c
                    WHERE c.oid = s.oid AND c.name = p.parent_column AND c.plain)
       AND NOT EXISTS (SELECT 1 FROM single i WHERE i.oid = s.oid AND i.name = p.parent_column)
     UNION ALL
    SELECT 0, u.name, u.user_column,
           format('%s AS t LEFT JOIN tenantdeck.mapping AS m ON m.plan = %L AND m.key = t.%I::text',
                  u.shown, plan.name, u.user_key), 'm.tenant_code', 'm.organization_code'
      FROM users_known u CROSS JOIN plan
     WHERE EXISTS (SELECT 1 FROM planned WHERE source = 'user')
       AND NOT EXISTS (SELECT 1 FROM single i WHERE i.oid = u.oid AND i.name = u.user_column)
), lookup_check AS (
    SELECT l.place, 2, 'references', 'unambiguous', l.name, 'error', NULL, NULL,
           format($query$WITH twice AS MATERIALIZED (
    SELECT %1$s AS value, count(*) AS rows
      FROM %2$s
     WHERE %1$s IS NOT NULL
     GROUP BY %1$s
    HAVING count(*) > 1 AND count(DISTINCT concat_ws(' ', %3$s, %4$s)) > 1
)
SELECT CASE WHEN count(*) > 0 THEN 'fail' ELSE 'pass' END AS verdict, count(*) AS count,
       CASE WHEN count(*) > 0
            THEN format('%%s values of %%s are there with different codes: what leads to them could '
                        'not know which', count(*), %5$L)
            ELSE format('no %%s is there twice with different codes', %5$L) END AS message,
       (SELECT jsonb_agg(jsonb_build_object(%5$L, few.value, 'rows', few.rows))
          FROM (SELECT * FROM twice ORDER BY value LIMIT 5) AS few) AS samples
  FROM twice$query$,
                  format('t.%I', l.column_name), l.rows, l.tenant, l.organization, l.column_name), NULL
      FROM lookup l
), old_key AS MATERIALIZED ( -- what is unique today; no columns where an expression is in it
    SELECT i.indrelid AS oid, x.relname::text AS name, i.indisprimary AS is_primary,
           pg_get_expr(i.indpred, i.indrelid) AS condition,
           CASE WHEN NOT 0 = ANY (i.indkey) THEN
               ARRAY(SELECT c.name FROM unnest(i.indkey) WITH ORDINALITY AS k (number, place)
                       JOIN present c ON c.oid = i.indrelid AND c.number = k.number
                      WHERE k.place <= i.indnkeyatts ORDER BY k.place) END AS columns
      FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
     WHERE i.indrelid IN (SELECT oid FROM planned) AND i.indisunique AND i.indisvalid
), new_key AS MATERIALIZED ( -- the plan's primary keys and unique indexes
    SELECT s.place, s.name, s.oid, s.known, s.shown, s.joins, s.tenant, k.purpose, c.columns, c.list,
           c.plain_names, c.plain_list, c.pairing, c.no_null, c.shown_list, o.condition,
           (SELECT string_agg(CASE n.name WHEN s.tenant_column THEN s.tenant
                                          WHEN s.organization_column THEN s.organization
                                          ELSE format('t.%I', n.name) END
                              || format(' AS %I', n.name), ', ' ORDER BY n.place)
              FROM unnest(c.columns) WITH ORDINALITY AS n (name, place)) AS expected_list,
           (SELECT string_agg(format('t.%I IS NULL', a.attname), ' OR ')
              FROM pg_attribute a
             WHERE k.purpose = 'primary key' AND a.attrelid = s.oid AND a.attname = ANY (c.plain_names)
               AND NOT a.attnotnull AND NOT a.attisdropped) AS null_list,
           ARRAY(SELECT n.name FROM unnest(c.plain_names) AS n (name)
                  WHERE NOT EXISTS (SELECT 1 FROM present a
                                     WHERE a.oid = s.oid AND a.name = n.name)) AS lacking
      FROM subject s
     CROSS JOIN LATERAL (
           SELECT 'primary key' AS purpose, s.doc -> 'primary_key' AS doc
            UNION ALL
           SELECT 'unique', u.doc FROM jsonb_array_elements(s.doc -> 'uniques') AS u (doc)) AS k
     CROSS JOIN LATERAL ( -- plain: those of its columns that hold no code
           SELECT array_agg(n.name ORDER BY n.place) AS columns,
                  string_agg(quote_ident(n.name), ', ' ORDER BY n.place) AS list,
                  string_agg(format('%L, few.%I', n.name, n.name), ', ' ORDER BY n.place)
                      AS shown_list,
                  array_agg(n.name ORDER BY n.place) FILTER (WHERE is_plain) AS plain_names,
                  string_agg(format('t.%I', n.name), ', ' ORDER BY n.place) FILTER (WHERE is_plain)
                      AS plain_list,
                  string_agg(format('t.%I = twice.%I', n.name, n.name), ' AND ')
                      FILTER (WHERE is_plain) AS pairing,
                  string_agg(format('t.%I IS NOT NULL', n.name), ' AND ') FILTER (WHERE is_plain)
                      AS no_null
             FROM jsonb_array_elements_text(k.doc -> 'columns') WITH ORDINALITY AS n (name, place)
            CROSS JOIN LATERAL (
                  SELECT n.name <> s.tenant_column
                         AND n.name IS DISTINCT FROM s.organization_column AS is_plain) AS kind) AS c
      LEFT JOIN old_key o ON o.oid = s.oid AND o.name = k.doc ->> 'replaces' AND NOT o.is_primary
     WHERE s.oid IS NOT NULL AND c.columns IS NOT NULL
), key AS MATERIALIZED ( -- proved: a part of it is unique by itself today, so nothing can clash
    SELECT k.*,
           k.null_list IS NULL
           AND EXISTS (SELECT 1 FROM old_key o
                        WHERE o.oid = k.oid AND o.columns <@ k.columns
                          AND (o.condition IS NULL OR o.condition = k.condition)) AS is_proved,
           k.known AND k.pairing IS NOT NULL AND cardinality(k.lacking) = 0 AS can_be_asked
      FROM new_key k
), key_check AS (
    SELECT k.place, 3, 'keys', 'keys', k.name, 'error', 'pass',
           format('no two rows can be alike in %s: a part of %s is unique today',
                  string_agg(format('%s (%s)', k.purpose, k.list), ', '),
                  CASE count(*) WHEN 1 THEN 'it' ELSE 'each' END), NULL, NULL
      FROM key k WHERE k.is_proved GROUP BY k.place, k.name
     UNION ALL
    SELECT k.place, 3, 'keys', format('%s (%s)', k.purpose, k.list), k.name, 'error',
           CASE WHEN NOT k.can_be_asked THEN 'unknown' END,
           CASE WHEN cardinality(k.lacking) > 0
                THEN format('not looked at: there is no column %s', array_to_string(k.lacking, ', '))
                WHEN NOT k.can_be_asked
                THEN 'not looked at: the codes of its rows cannot be worked out' END,
           CASE WHEN k.can_be_asked THEN
               format($query$WITH twice AS MATERIALIZED ( -- alike apart from the codes
    SELECT %1$s FROM %2$s AS t
     WHERE %3$s%4$s%12$s
     GROUP BY %1$s
    HAVING count(*) > 1
), expected AS ( -- with the codes that they will have
    SELECT DISTINCT t.ctid, %5$s
      FROM (SELECT ctid, * FROM %2$s AS t WHERE %3$s%4$s) AS t
      JOIN twice ON %6$s%7$s
     WHERE %8$s IS NOT NULL
), alike AS MATERIALIZED (
    SELECT %9$s, count(*) AS "rows alike" FROM expected GROUP BY %9$s HAVING count(*) > 1
), told AS (
    SELECT (SELECT count(*) FROM alike) AS alike,
           coalesce((SELECT sum("rows alike") FROM alike), 0)::bigint AS rows,
           %10$s AS nulls
)
SELECT CASE WHEN alike + nulls > 0 THEN 'fail' ELSE 'pass' END AS verdict,
       rows + nulls AS count,
       CASE WHEN alike + nulls = 0 THEN 'no two rows will be alike'
            ELSE concat_ws('; ',
                CASE WHEN alike > 0
                     THEN format('rows that would be alike: %%s, with %%s values', rows, alike) END,
                CASE WHEN nulls > 0 THEN format('rows with NULL in it: %%s', nulls) END) END AS message,
       (SELECT jsonb_agg(jsonb_build_object(%11$s, 'rows', few."rows alike"))
          FROM (SELECT * FROM alike ORDER BY %9$s LIMIT 5) AS few) AS samples
  FROM told$query$,
                      k.plain_list, k.shown, k.no_null, ' AND (' || k.condition || ')',
                      k.expected_list, k.pairing, k.joins, k.tenant, k.list,
                      coalesce(format('(SELECT count(*) FROM %s AS t WHERE ', k.shown)
                               || k.null_list || ')', '0'),
                      k.shown_list,
                      -- Sorting one column tells much sooner whether a group has two at all.
                      CASE WHEN cardinality(k.plain_names) = 1
                           THEN format(E'\n       AND (SELECT count(%1$s) <> count(DISTINCT %1$s) FROM %2$s AS t'
                                       ' WHERE %3$s%4$s)', k.plain_list, k.shown, k.no_null,
                                       ' AND (' || k.condition || ')') END) END,
           CASE WHEN k.can_be_asked THEN
               format('SELECT t.* FROM %1$s AS t JOIN (SELECT %2$s FROM %1$s AS t WHERE %3$s GROUP BY %2$s '
                      'HAVING count(*) > 1) AS twice ON %4$s;', k.shown, k.plain_list, k.no_null,
                      k.pairing)
               || coalesce(format(' SELECT t.* FROM %s AS t WHERE ', k.shown) || k.null_list || ';', '')
               || ' -- within a tenant only one of them may stay as it is' END
      FROM key k WHERE NOT k.is_proved
), user_column AS ( -- columns of a child that name a user too, who may be of another tenant
    SELECT s.place, c.name AS column_name
      FROM subject s
     CROSS JOIN users_known u
     CROSS JOIN plan
      JOIN present c ON c.oid = s.oid AND c.plain
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = c.number
      JOIN pg_attribute w ON w.attrelid = u.oid AND w.attname = u.user_column
                         AND w.atttypid = a.atttypid
     WHERE s.source = 'parent' AND s.known AND c.name <> s.source_column
       AND c.name <> u.user_key AND c.name ~ '(_by|_id)$'
       AND (EXISTS (SELECT 1 FROM planned p WHERE p.source = 'user' AND p.source_column = c.name)
            OR plan.doc -> 'bearing' ? c.name
            OR s.doc -> 'primary_key' -> 'columns' ? c.name
            OR EXISTS (SELECT 1
                         FROM jsonb_array_elements((s.doc -> 'uniques') || (s.doc -> 'indexes'))
                              AS k (doc)
                        WHERE k.doc -> 'columns' ? c.name))
), isolation_check AS (
    SELECT s.place, 5, 'isolation', 'tenant of ' || c.column_name, s.name, 'warn', NULL, NULL,
           format($query$WITH odd AS MATERIALIZED (
    SELECT %11$s AS row, min(%1$s) AS goes_to, min(another.tenant_code) AS named
      FROM %2$s
      JOIN %3$s AS somebody ON somebody.%4$I = t.%5$I
      JOIN tenantdeck.mapping AS another ON another.plan = %6$L AND another.key = somebody.%7$I::text
     WHERE another.tenant_code <> %1$s
     GROUP BY 1
)
SELECT CASE WHEN count(*) > 0 THEN 'warn' ELSE 'pass' END AS verdict, count(*) AS count,
       CASE WHEN count(*) > 0
            THEN format('%%s rows name in %%s a user of another tenant than their row in %%s; they go '
                        'with %%3$s', count(*), %5$L, %8$L)
            ELSE format('%%s names no user of another tenant than the row in %%s', %5$L, %8$L) END
           AS message,
       (SELECT jsonb_agg(%9$s || jsonb_build_object('goes to', few.goes_to, 'user of', few.named))
          FROM (SELECT * FROM odd ORDER BY row LIMIT 5) AS few%10$s) AS samples
  FROM odd$query$,
                  s.tenant, s.rows, sought.text, u.user_column, c.column_name, plan.name, u.user_key,
                  s.parent_table, CASE WHEN s.is_spread THEN 'few.row' ELSE named.row END,
                  CASE WHEN NOT s.is_spread
                       THEN format(E'\n          JOIN %s AS t ON t.ctid = few.row', s.shown) END,
                  CASE WHEN s.is_spread THEN named.row ELSE s.row_now END), NULL
      FROM user_column c JOIN subject s ON s.place = c.place
     CROSS JOIN users_known u CROSS JOIN plan
      JOIN looked_in sought ON sought.place = 0
     CROSS JOIN LATERAL (SELECT format('jsonb_build_object(%s, %L, t.%I)', s.key_columns, c.column_name,
                                       c.column_name) AS row) AS named
), reference AS MATERIALIZED ( -- the plan's foreign keys
    SELECT s.place, s.name, s.known AND t.known AS known, s.rows, s.tenant, s.key_columns, s.shown,
           s.row_now, s.is_spread,
           t.name AS target_name, t.rows AS target_rows, t.tenant AS target_tenant,
           format('(%s) to %s (%s)', pair.columns, t.name, pair.targets) AS label,
           pair.child_list, pair.target_list, pair.no_null, pair.matching,
           -- It takes its codes from the very row it leads to: so they agree, where there is one.
           s.source = 'parent' AND s.parent_table = t.name AND s.orphans <> 'default'
           AND pair.others = ARRAY[format('%I = %I', s.source_column, s.parent_column)] AS follows
      FROM subject s
     CROSS JOIN jsonb_array_elements(s.doc -> 'references') WITH ORDINALITY AS f (doc, place)
      JOIN subject t ON t.name = f.doc ->> 'table' AND t.oid IS NOT NULL
     CROSS JOIN LATERAL (
           SELECT string_agg(quote_ident(c.name), ', ' ORDER BY c.place) AS columns,
                  string_agg(quote_ident(g.name), ', ' ORDER BY c.place) AS targets,
                  string_agg(format('t.%I AS c%s', c.name, c.place), ', ' ORDER BY c.place)
                      FILTER (WHERE is_plain) AS child_list,
                  string_agg(format('t.%I AS c%s', g.name, c.place), ', ' ORDER BY c.place)
                      FILTER (WHERE is_plain) AS target_list,
                  string_agg(format('child.c%s IS NOT NULL', c.place), ' AND ')
                      FILTER (WHERE is_plain) AS no_null,
                  string_agg(format('target.c%s = child.c%s', c.place, c.place), ' AND ')
                      FILTER (WHERE is_plain) AS matching,
                  array_agg(format('%I = %I', c.name, g.name)) FILTER (WHERE is_plain) AS others
             FROM jsonb_array_elements_text(f.doc -> 'columns') WITH ORDINALITY AS c (name, place)
             JOIN jsonb_array_elements_text(f.doc -> 'target') WITH ORDINALITY AS g (name, place)
               ON g.place = c.place
            CROSS JOIN LATERAL (
                  SELECT c.name <> s.tenant_column
                         AND c.name IS DISTINCT FROM s.organization_column AS is_plain) AS kind)
           AS pair
     WHERE s.oid IS NOT NULL
), reference_check AS (
    SELECT r.place, 4, 'references', 'foreign key ' || r.label, r.name, 'error',
           CASE WHEN r.follows THEN 'pass' WHEN NOT r.known OR r.matching IS NULL THEN 'unknown' END,
           CASE WHEN r.follows THEN 'every row has the codes of the row it leads to'
                WHEN NOT r.known OR r.matching IS NULL
                THEN 'not looked at: the codes of its rows cannot be worked out' END,
           CASE WHEN NOT r.follows AND r.known AND r.matching IS NOT NULL THEN
               format($query$WITH odd AS MATERIALIZED (
    SELECT DISTINCT child.row
      FROM (SELECT %12$s AS row, %1$s AS tenant, %2$s FROM %3$s) AS child
     WHERE child.tenant IS NOT NULL AND %4$s
       AND NOT EXISTS (SELECT 1
                         FROM (SELECT %5$s AS tenant, %6$s FROM %7$s) AS target
                        WHERE %8$s AND target.tenant = child.tenant)
)
SELECT CASE WHEN count(*) > 0 THEN 'fail' ELSE 'pass' END AS verdict, count(*) AS count,
       CASE WHEN count(*) > 0
            THEN format('%%s rows lead to no row of %%s in their tenant', count(*), %9$L)
            ELSE format('every row leads to one of %%s in its tenant', %9$L) END AS message,
       (SELECT jsonb_agg(%10$s) FROM (SELECT row FROM odd ORDER BY row LIMIT 5) AS few%11$s) AS samples
  FROM odd$query$,
                      r.tenant, r.child_list, r.rows, r.no_null, r.target_tenant, r.target_list,
                      r.target_rows, r.matching, r.target_name,
                      CASE WHEN r.is_spread THEN 'few.row'
                           ELSE format('jsonb_build_object(%s)', r.key_columns) END,
                      CASE WHEN NOT r.is_spread
                           THEN format(' JOIN %s AS t ON t.ctid = few.row', r.shown) END,
                      r.row_now) END, NULL
      FROM reference r
), rows_check AS (
    SELECT p.place, 6, 'rows', 'rows before', p.name, 'info', NULL, NULL,
           format(E'SELECT ''pass'' AS verdict, count(*) AS count,\n'
                  '       format(''%%s rows'', count(*)) AS message, NULL::jsonb AS samples\n'
                  '  FROM %s', p.shown), NULL
      FROM planned p WHERE p.oid IS NOT NULL
), table_check AS ( -- a table that is not asked for its codes
    SELECT s.place, 0, 'references', 'table', s.name,
           CASE WHEN s.oid IS NULL AND s.optional THEN 'info' ELSE 'error' END,
           CASE WHEN s.oid IS NULL AND NOT s.optional THEN 'fail'
                WHEN s.oid IS NULL OR s.known THEN 'pass' ELSE 'unknown' END,
           CASE WHEN s.oid IS NULL AND s.optional
                THEN 'is not in this database; the plan calls it optional'
                WHEN s.oid IS NULL THEN 'is not in this database'
                WHEN s.known THEN 'every row gets the default'
                WHEN s.missing IS NULL THEN 'a table that its codes come from is not there'
                ELSE format('not looked at: %s is not there, or of a type that somebody else could '
                            'have bent', array_to_string(s.missing, ', ')) END,
           NULL, NULL
      FROM subject s WHERE s.oid IS NULL OR NOT s.known OR s.source = 'constant'
)
SELECT found.check_group, found.check_name, found.subject, found.severity, found.verdict, found.count,
       found.message, found.samples, found.query, found.fix
  FROM (
    SELECT -2::bigint AS place, 0 AS turn, 'mapping' AS check_group, 'loaded' AS check_name,
           plan.name AS subject, 'error' AS severity,
           CASE WHEN count(c.key) = 0 THEN 'fail' ELSE 'pass' END AS verdict, count(c.key) AS count,
           CASE WHEN count(c.key) = 0
                THEN 'the journal has no codes of this plan: step mapping has not loaded them'
                ELSE format('%s keys lead to %s tenants', count(c.key), count(DISTINCT c.tenant_code))
                END AS message,
           NULL::jsonb AS samples,
           format('SELECT * FROM tenantdeck.mapping WHERE plan = %L ORDER BY key', plan.name) AS query,
           NULL AS fix
      FROM plan LEFT JOIN codes c ON true
     WHERE EXISTS (SELECT 1 FROM planned WHERE source <> 'constant')
     GROUP BY plan.name
     UNION ALL
    SELECT -1, 0, 'mapping', k.check_name, plan.name, CASE k.verdict WHEN 'fail' THEN 'error' ELSE 'warn' END,
           CASE WHEN count(o.code) > 0 THEN k.verdict ELSE 'pass' END, count(o.code),
           CASE WHEN count(o.code) > 0 THEN format('%s %s', count(o.code), k.trouble) ELSE k.none END,
           jsonb_agg(left(o.code, 80) ORDER BY o.code) FILTER (WHERE o.number <= 5),
           format('SELECT * FROM tenantdeck.mapping WHERE plan = %L AND %s ORDER BY key', plan.name,
                  k.condition), NULL
      FROM mapping_check k
     CROSS JOIN plan
      LEFT JOIN (SELECT check_name, code,
                        row_number() OVER (PARTITION BY check_name ORDER BY code) AS number
                   FROM odd_code) AS o ON o.check_name = k.check_name
     GROUP BY plan.name, k.check_name, k.verdict, k.trouble, k.none, k.condition
     UNION ALL
    SELECT c.place, c.turn, c.check_group, c.check_name, c.subject, c.severity, c.verdict, NULL,
           c.message, NULL, c.query, c.fix
      FROM (SELECT * FROM source_check UNION ALL SELECT * FROM lookup_check
             UNION ALL SELECT * FROM key_check UNION ALL SELECT * FROM reference_check
             UNION ALL SELECT * FROM isolation_check UNION ALL SELECT * FROM rows_check
             UNION ALL SELECT * FROM table_check) AS c
       ) AS found
 ORDER BY found.place, found.turn, found.check_name;
