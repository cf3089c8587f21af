-- The fill: statements that generate the statements which give every row its codes. They take the plan
-- as JSON ($1) and the mode ($2). A batch is one statement and so one transaction: it locks the lease
-- with the run's epoch, changes the rows of a range of blocks, and writes the checkpoint. Rows that
-- cannot be told a code stay as they are; updated_at stays what it was.

-- name: work_fill
-- How each table of the plan is filled, parents before their children. A fresh table is gone over in
-- several passes of 32-page ranges: each pass takes so many rows of a page as find room there after the
-- pass before it (shares: per cent, cumulative), so most new versions need no new index entries. In
-- mode window a table is rewritten once instead, by ALTER COLUMN ... TYPE with the map as a constant,
-- where that can be done: `prepare` reads the map and leaves the ALTER as tenantdeck.rewrite in the
-- session, in a transaction of its own, so that no other table is locked while this one is rewritten.
-- In batches, too, a map that is no larger than the table is taken into the
-- statement: `prepare` does so once for each connection, and serves the passes that have a share;
-- what it does not know, and all that is new, is left to the sweeps, which look for themselves. Where
-- a column was there before this plan, rows that differ from the mapping are changed too and what they
-- held is kept in tenantdeck.old_value.
-- A batch's parameters: $1 plan name, $2 epoch, $3 step, $4 part, $5 and $6 tid range, $7 and $8 per
-- cent of the rows; it answers fenced, changed. settle looks at the rows of the users $3 (an array;
-- NULL: at every row) again, and at children that differ from their parent; $1, $2 and the answer as in a batch.
-- $1: the plan, $2: the mode. Answers: unit, relation, how (batch, rewrite, nothing), prepare (what
-- makes tenantdeck_batch, with the parameters of a batch; or the ALTER of a rewrite; or NULL),
-- turn (of a rewrite that needs no code of another table: they can go beside each other, begun in this
-- order, in which a table comes after those whose `prepare` reads it; NULL: parents first), statement,
-- pages, rows, shares, settle, tidy, done (nothing is left), records.
WITH RECURSIVE plan AS MATERIALIZED (
    SELECT given.doc,
           given.doc ->> 'name' AS name,
           given.doc ->> 'schema' AS schema,
           n.oid AS schema_oid,
           given.doc -> 'mapping' AS mapping,
           quote_literal(given.doc ->> 'name') AS quoted,
           $2::text = 'window' AS in_window,
           current_setting('block_size')::integer AS block
      FROM (SELECT $1::jsonb AS doc) AS given
      JOIN pg_namespace n ON n.nspname = given.doc ->> 'schema'
), plan_column AS (
    SELECT c.doc ->> 'name' AS name, c.doc ->> 'type' AS type, c.doc ->> 'role' AS role
      FROM plan, jsonb_array_elements(plan.doc -> 'columns') AS c (doc)
), found AS MATERIALIZED ( -- the plan's tables that are there
    SELECT t.place, t.doc, t.doc ->> 'name' AS name, c.oid,
           t.doc ->> 'source' AS source,
           t.doc ->> 'source_column' AS source_column,
           t.doc ->> 'parent_table' AS parent_table,
           t.doc ->> 'parent_column' AS parent_column,
           t.doc ->> 'orphans' = 'default' OR t.doc ->> 'source' = 'constant' AS defaults,
           t.doc ->> 'orphans' = 'park' AS parks,
           format('%I.%I', plan.schema, t.doc ->> 'name') AS relation,
           pg_relation_size(c.oid) / plan.block AS pages,
           greatest(c.reltuples, pg_stat_get_live_tuples(c.oid), 0)::bigint AS rows
      FROM plan
     CROSS JOIN jsonb_array_elements(plan.doc -> 'tables') WITH ORDINALITY AS t (doc, place)
      JOIN pg_class c ON c.relnamespace = plan.schema_oid AND c.relname = t.doc ->> 'name'
                     AND c.relkind = 'r'
), generation AS ( -- parents before children
    SELECT f.place, f.name, 0 AS depth FROM found f WHERE f.source <> 'parent'
     UNION ALL
    SELECT f.place, f.name, g.depth + 1
      FROM generation g JOIN found f ON f.source = 'parent' AND f.parent_table = g.name
)
-- include: match.sql

, spread AS MATERIALIZED ( -- by Citus: it has no row without a tenant, and changes none by its place
    SELECT m[1]::oid AS oid
      FROM regexp_matches(
               CASE WHEN EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')
                    THEN query_to_xml('SELECT p.logicalrelid::oid AS o FROM pg_catalog.pg_dist_partition p',
                                      false, false, '')::text END, '<o>(\d+)</o>', 'g') AS m
), journal AS MATERIALIZED ( -- may its tables be read? A dry run comes before there is one
    SELECT coalesce(bool_and(has_schema_privilege(n.oid, 'USAGE')
                             AND has_table_privilege(c.oid, 'SELECT')), false) AS is_there
      FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid
     WHERE n.nspname = 'tenantdeck' AND c.relname IN ('undo', 'meta', 'mapping')
), ours AS MATERIALIZED ( -- columns that this plan has added: its undo records, where there are any
    SELECT CASE WHEN NOT journal.is_there THEN '[]'::jsonb
           ELSE convert_from(decode(substring(query_to_xml(format(
                    'SELECT encode(convert_to(coalesce(jsonb_agg(u.object), %L)::text, %L), %L) AS o'
                    '  FROM tenantdeck.undo u JOIN tenantdeck.meta m USING (generation)'
                    ' WHERE u.plan = %L AND u.object_type = %L AND u.definition IS NULL'
                    '   AND u.state = %L', '[]', 'UTF8', 'base64', plan.name, 'table column',
                    'kept'), false, false, '')::text FROM '<o>([^<]*)</o>'), 'base64'),
                    'UTF8')::jsonb END AS identities
      FROM plan CROSS JOIN journal
), addition AS MATERIALIZED ( -- a table's columns of the plan; `code` in the type it has or will have
    SELECT f.place, f.oid, w.number, c.name, c.role, a.attnum,
           coalesce(a.type, c.type) AS type,
           a.name IS NOT NULL AND NOT ours.identities ? format('%s.%I', f.relation, c.name)
               AS was_there,
           CASE WHEN coalesce(a.kind, CASE c.type WHEN 'uuid' THEN 'own' ELSE 'string' END)
                     = 'string' THEN '' ELSE '::' || coalesce(a.type, c.type) END AS cast,
           CASE c.role WHEN 'tenant' THEN plan.mapping ->> 'default_tenant'
                       ELSE plan.mapping ->> 'default_organization' END AS default_code
      FROM found f
     CROSS JOIN plan CROSS JOIN ours
     CROSS JOIN jsonb_array_elements_text(f.doc -> 'columns') WITH ORDINALITY AS w (name, number)
      JOIN plan_column c ON c.name = w.name
      LEFT JOIN attribute a ON a.oid = f.oid AND a.name = c.name
), valued AS ( -- the code a column is given: joined to the row, or looked up for it (always a row)
    SELECT a.*, f.defaults,
           CASE f.source WHEN 'constant' THEN format('%L', a.default_code) ELSE x.found END
           || a.cast AS joined,
           CASE WHEN f.source = 'constant' THEN format('%L', a.default_code)
                WHEN f.defaults AND a.default_code IS NOT NULL
                THEN format('coalesce(max(%s::text), %L)', x.found, a.default_code)
                ELSE format('max(%s::text)', x.found) END || a.cast AS looked,
           CASE WHEN f.defaults AND a.default_code IS NOT NULL
                THEN format(', %L', a.default_code) ELSE '' END AS or_default
      FROM addition a
      JOIN found f USING (place)
     CROSS JOIN LATERAL (
           SELECT CASE WHEN f.source = 'parent' THEN format('p.%I', a.name)
                       WHEN a.role = 'tenant' THEN 'm.tenant_code'
                       ELSE 'm.organization_code' END AS found) AS x
), over AS ( -- types made of a table's row type: arrays, domains, ranges, composite types with it
    SELECT f.place, c.reltype AS type FROM found f JOIN pg_class c ON c.oid = f.oid
     UNION
    SELECT o.place, CASE d.classid WHEN 'pg_type'::regclass THEN d.objid ELSE c.reltype END
      FROM over o
      JOIN pg_depend d ON d.refclassid = 'pg_type'::regclass AND d.refobjid = o.type
      LEFT JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid AND c.relkind = 'c'
     WHERE d.classid = 'pg_type'::regclass OR c.oid IS NOT NULL
), embedded AS MATERIALIZED ( -- tables whose rows stand in columns: these would not follow a rewrite
    SELECT DISTINCT o.place
      FROM over o
      JOIN pg_depend d ON d.refclassid = 'pg_type'::regclass AND d.refobjid = o.type
                      AND d.classid = 'pg_class'::regclass AND d.objsubid > 0
      JOIN pg_class c ON c.oid = d.objid AND c.relkind IN ('r', 'm', 'p')
), listed AS MATERIALIZED ( -- a table's columns in lists
    SELECT v.place,
           bool_or(v.was_there) AS was_there,
           bool_and(v.attnum IS NOT NULL) AS is_there,
           bool_or(EXISTS (SELECT 1 FROM pg_depend d -- an index on one of them
                            WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = v.oid
                              AND d.refobjsubid = v.attnum AND d.classid = 'pg_class'::regclass
                              AND d.objsubid = 0)
                   OR EXISTS (SELECT 1 FROM pg_index i
                               WHERE i.indrelid = v.oid AND v.attnum = ANY (i.indkey)))
               AS is_indexed,
           bool_or(EXISTS (SELECT 1 FROM pg_depend d -- what would not let ALTER ... TYPE be done
                            WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = v.oid
                              AND d.refobjsubid = v.attnum
                              AND d.classid IN ('pg_rewrite'::regclass, 'pg_trigger'::regclass,
                                                'pg_policy'::regclass, 'pg_proc'::regclass,
                                                'pg_publication_rel'::regclass)))
               AS is_held,
           string_agg(format('%I', v.name), ', ' ORDER BY v.number) AS names,
           string_agg(format('%I = %s', v.name, v.joined), ', ' ORDER BY v.number) AS sets,
           string_agg(v.looked, ', ' ORDER BY v.number) AS looked,
           string_agg(format('%s AS %s', v.looked, v.role), ', ' ORDER BY v.number) AS named,
           string_agg('n.' || v.role, ', ' ORDER BY v.number) AS news,
           string_agg(format('%I = o.%s', v.name, v.role), ', ' ORDER BY v.number) AS sets_of_old,
           string_agg(format('n.%2$s IS NOT NULL AND t.%1$I IS DISTINCT FROM n.%2$s', v.name, v.role),
                      ' OR ' ORDER BY v.number) AS differs,
           string_agg(format('%2$s IS NOT NULL AND t.%1$I IS DISTINCT FROM %2$s', v.name, v.joined),
                      ' OR ' ORDER BY v.number) AS differs_joined,
           -- What has no code anyway must not be found empty by every sweep.
           string_agg(CASE WHEN v.defaults AND v.default_code IS NULL THEN NULL
                           WHEN v.defaults OR v.role = 'tenant' THEN format('t.%I IS NULL', v.name)
                           ELSE format('t.%I IS NULL AND %s IS NOT NULL', v.name, v.joined) END,
                      ' OR ' ORDER BY v.number) AS fillable,
           string_agg(format('t.%I IS NULL', v.name), ' OR ' ORDER BY v.number) AS any_empty,
           max(format('t.%I IS NULL', v.name)) FILTER (WHERE v.role = 'tenant') AS no_tenant,
           string_agg(quote_literal(v.name), ', ' ORDER BY v.number) AS quoted,
           string_agg(format('t.%I::text', v.name), ', ' ORDER BY v.number) AS held,
           string_agg(format('%I = (o.value ->> %L)::%s', v.name, v.name, v.type), ', '
                      ORDER BY v.number) AS restored,
           sum(1 + coalesce(length(v.default_code), 16)) AS growth,
           max(format('p.%I', v.name)) FILTER (WHERE v.role = 'tenant') AS parents_tenant,
           max(format('p.%I', v.name)) FILTER (WHERE v.role = 'organization')
               AS parents_organization
      FROM valued v
     GROUP BY v.place
), row_key AS MATERIALIZED ( -- what tells a row: its primary key, else all that it held before
    SELECT f.place,
           format('jsonb_object(ARRAY[%s], ARRAY[%s])',
                  string_agg(quote_literal(a.name), ', ' ORDER BY a.attnum),
                  string_agg(format(a.as_text, format('t.%I', a.name)), ', ' ORDER BY a.attnum))
               AS key
      FROM found f
      LEFT JOIN pg_index i ON i.indrelid = f.oid AND i.indisprimary
      JOIN attribute a ON a.oid = f.oid
                      AND CASE WHEN i.indexrelid IS NULL
                               THEN a.name NOT IN (SELECT d.name FROM addition d
                                                    WHERE d.place = f.place)
                               ELSE a.attnum = ANY (i.indkey) END
     GROUP BY f.place
), sought AS MATERIALIZED ( -- where the codes stand, and under which condition
    SELECT f.place,
           CASE f.source
           WHEN 'own' THEN 'tenantdeck.mapping AS m'
           WHEN 'user' THEN format('%s AS u, tenantdeck.mapping AS m', u.relation)
           WHEN 'parent' THEN format('%I.%I AS p', plan.schema, f.parent_table) END AS sources,
           CASE f.source
           WHEN 'own' THEN format('m.plan = %s AND m.key = %s', plan.quoted, x.source_text)
           WHEN 'user' THEN format('%s AND m.plan = %s AND m.key = %s', x.matches, plan.quoted,
                                   x.user_key)
           WHEN 'parent' THEN format('%s AND %s IS NOT NULL', x.matches, l.parents_tenant) END
               AS condition,
           -- For one row alone: the nested form spares a join that would be begun for each.
           CASE f.source
           WHEN 'own' THEN format('tenantdeck.mapping AS m WHERE m.plan = %s AND m.key = %s',
                                  plan.quoted, x.source_text)
           WHEN 'user' THEN format('tenantdeck.mapping AS m WHERE m.plan = %s AND m.key = (SELECT %s '
                                   'FROM %s AS u WHERE %s LIMIT 1)', plan.quoted, x.user_key,
                                   u.relation, x.matches)
           WHEN 'parent' THEN format('(SELECT * FROM %I.%I AS p WHERE %s LIMIT 1) AS p', plan.schema,
                                     f.parent_table, x.matches) END AS single,
           x.source_text, x.source_bare,
           -- The whole map, of a key to its codes.
           CASE f.source
           WHEN 'own' THEN format('SELECT m.key, m.tenant_code AS tenant, m.organization_code AS '
                                  'organization FROM tenantdeck.mapping AS m WHERE m.plan = %s',
                                  plan.quoted)
           WHEN 'user' THEN format('SELECT %s AS key, m.tenant_code AS tenant, m.organization_code AS '
                                   'organization FROM %s AS u JOIN tenantdeck.mapping AS m '
                                   'ON m.plan = %s AND m.key = %s',
                                   format(mt.their_text, x.theirs), u.relation, plan.quoted,
                                   x.user_key)
           WHEN 'parent' THEN format('SELECT %s AS key, %s::text AS tenant, %s AS organization '
                                     'FROM %I.%I AS p WHERE %s IS NOT NULL',
                                     CASE WHEN mt.by_number THEN x.theirs
                                          ELSE format(mt.their_text, x.theirs) END,
                                     l.parents_tenant,
                                     coalesce(l.parents_organization || '::text', 'NULL::text'),
                                     plan.schema, f.parent_table, l.parents_tenant) END AS map,
           -- A small number that is unique, as most are, finds its place in an array.
           coalesce(mt.by_number, false) AND f.source = 'parent'
               AND EXISTS (SELECT 1 FROM pg_index i
                            WHERE i.indrelid = mt.their_oid AND i.indisunique AND i.indisvalid
                              AND i.indpred IS NULL AND i.indnkeyatts = 1
                              AND i.indkey[0] = mt.their_number) AS is_number,
           coalesce(u.rows, p.rows, 0) AS map_rows
      FROM found f
     CROSS JOIN plan
      JOIN listed l USING (place)
      LEFT JOIN match mt USING (place)
      LEFT JOIN attribute s ON s.oid = f.oid AND s.name = f.source_column
      LEFT JOIN users u ON f.source = 'user'
      LEFT JOIN found p ON f.source = 'parent' AND p.name = f.parent_table
      LEFT JOIN attribute k ON k.oid = u.oid AND k.name = u.key_column
     CROSS JOIN LATERAL (
           SELECT format(s.as_text, 't.' || quote_ident(f.source_column)) AS source_text,
                  format(s.as_text, quote_ident(f.source_column)) AS source_bare,
                  format(k.as_text, 'u.' || quote_ident(u.key_column)) AS user_key,
                  way.theirs,
                  format(mt.condition, way.theirs, 't.' || quote_ident(f.source_column)) AS matches
             FROM (SELECT CASE f.source WHEN 'user' THEN 'u.' || quote_ident(u.user_column)
                                        ELSE 'p.' || quote_ident(f.parent_column) END AS theirs) AS way
           ) AS x
), mapped AS MATERIALIZED ( -- the map of a table, and where the codes in it come from. In a window a
    -- child asks what tells its parent's codes, so that the two can be rewritten at the same time
    SELECT s.place, coalesce(told.map, s.map) AS map, coalesce(told.codes, s.map) AS codes,
           f.source <> 'parent' OR told.map IS NOT NULL AS is_apart
      FROM sought s
      JOIN found f USING (place)
     CROSS JOIN plan
      LEFT JOIN match mt USING (place)
      LEFT JOIN LATERAL (
           SELECT format('SELECT %s AS key, %s AS tenant, %s AS organization FROM %s AS t LEFT JOIN '
                         '(SELECT k.key, max(k.tenant) AS tenant, max(k.organization) AS organization '
                         'FROM (%s) AS k GROUP BY k.key) AS g ON g.key = %s WHERE %s IS NOT NULL',
                         CASE WHEN mt.by_number THEN x.theirs ELSE format(mt.their_text, x.theirs) END,
                         code.tenant, code.organization, p.relation, above.map, above.source_text,
                         code.tenant) AS map,
                  format('SELECT %s AS tenant, %s AS organization FROM (SELECT m.tenant_code, '
                         'm.organization_code FROM tenantdeck.mapping AS m WHERE m.plan = %s '
                         'UNION ALL SELECT NULL, NULL) AS g (tenant, organization) WHERE %s IS NOT NULL',
                         code.tenant, code.organization, plan.quoted, code.tenant) AS codes
             FROM found p
             JOIN sought above ON above.place = p.place
             JOIN listed l ON l.place = p.place
            CROSS JOIN LATERAL (SELECT 't.' || quote_ident(f.parent_column) AS theirs) AS x
            CROSS JOIN LATERAL (
                  SELECT max(y.code) FILTER (WHERE a.role = 'tenant') AS tenant,
                         coalesce(max(y.code) FILTER (WHERE a.role = 'organization'), 'NULL::text')
                             AS organization
                    FROM addition a
                   CROSS JOIN LATERAL (
                         SELECT CASE WHEN p.defaults AND a.default_code IS NOT NULL
                                     THEN format('coalesce(g.%s, %L)', a.role, a.default_code)
                                     ELSE 'g.' || a.role END AS code) AS y
                   WHERE a.place = p.place) AS code
            WHERE plan.in_window AND f.source = 'parent' AND p.name = f.parent_table
              AND p.source IN ('own', 'user') AND NOT l.was_there) AS told ON true
), piece AS MATERIALIZED ( -- how a column gets its code from a constant map: an expression that makes
    -- the text, for a rewrite's ALTER COLUMN and for a batch's SET
    SELECT f.place, way.how,
           string_agg(
               CASE f.source WHEN 'constant'
               THEN quote_literal(x.start || format('%L', v.default_code) || x.finish)
               ELSE concat(quote_literal(x.start), ' || quote_literal(', v.role, 's) || ',
                           quote_literal(format('::jsonb ->> %s', s.source_bare) || x.finish)) END,
               ' || '', '' || ' ORDER BY v.number) AS by_key,
           string_agg(
               concat(quote_literal(x.start), ' || ', v.role, 's || ',
                      quote_literal('CASE WHEN ' || x.ours || ' BETWEEN '),
                      ' || lowest || ', quote_literal(' AND '), ' || highest || ',
                      quote_literal(' THEN ('), ' || quote_literal(places) || ',
                      quote_literal('::integer[])[(' || x.ours || ' - ('), ' || lowest || ',
                      quote_literal(') + 1)::integer] END'), ' || closing || ', quote_literal(x.finish)),
               ' || '', '' || ' ORDER BY v.number) AS by_number
      FROM valued v
      JOIN found f USING (place)
      JOIN sought s USING (place)
     CROSS JOIN (VALUES ('rewrite'), ('batch')) AS way (how)
     CROSS JOIN LATERAL (
           SELECT CASE way.how WHEN 'rewrite'
                               THEN format('ALTER COLUMN %I TYPE %s USING (coalesce(', v.name, v.type)
                               ELSE format('%I = (coalesce(', v.name) END AS start,
                  format('%s))%s', v.or_default, v.cast) AS finish,
                  quote_ident(f.source_column) AS ours) AS x
     GROUP BY f.place, way.how
), shaped AS MATERIALIZED ( -- all that is known of a table
    SELECT f.place, f.name, quote_literal(f.name) AS unit, f.relation, f.source, f.parent_table,
           f.defaults, f.parks,
           f.pages, f.rows, g.depth, plan.in_window, plan.quoted AS plan,
           l.was_there, l.is_there, l.is_indexed, l.names,
           l.is_held OR f.place IN (SELECT e.place FROM embedded e) AS is_held, l.sets, l.looked, l.named,
           l.news, l.sets_of_old, l.differs, l.differs_joined, l.fillable, l.any_empty,
           l.no_tenant, l.quoted, l.held, l.restored, l.growth,
           x.sources, x.condition, x.single, x.source_text, x.source_bare, x.is_number, r.key,
           y.map, y.codes, y.is_apart,
           quote_ident(f.source_column) AS ours, x.map_rows,
           x.map_rows * CASE WHEN x.is_number THEN 8 ELSE 64 END AS map_bytes,
           f.source = 'parent' AND NOT above.is_there AS is_early,
           EXISTS (SELECT 1 FROM pg_inherits h WHERE h.inhparent = f.oid) AS has_heirs,
           f.oid IN (SELECT s.oid FROM spread s) AS is_spread,
           (SELECT count(*) FROM pg_index i WHERE i.indrelid = f.oid) AS indexes,
           greatest(f.pages * plan.block / greatest(f.rows, 1.0) - 4, 24) AS width
      FROM found f
      JOIN generation g USING (place)
      JOIN listed l USING (place)
      JOIN row_key r USING (place)
      JOIN sought x USING (place)
      JOIN mapped y USING (place)
      LEFT JOIN found p ON p.name = f.parent_table
      LEFT JOIN listed above ON above.place = p.place
     CROSS JOIN plan
     WHERE f.source = 'constant' OR x.condition IS NOT NULL
), worded AS MATERIALIZED ( -- what the statements are put together from
    SELECT s.*,
           CASE s.source WHEN 'constant' THEN format('SELECT %s', s.named)
                         ELSE format('SELECT %s FROM %s', s.named, s.single) END AS look,
           E'WITH fence AS MATERIALIZED (\n    SELECT l.epoch FROM tenantdeck.lease AS l\n'
           '     WHERE l.plan = $1::text AND l.epoch = $2::bigint FOR SHARE\n)' AS fence,
           -- Line pointers of a page (their lower byte), spread evenly over 0 to 99. It is asked of
           -- every row in each pass, so once: |2x + 1 - low - high| < high - low is low <= x < high.
           E't.ctid >= $5::tid AND t.ctid < $6::tid\n'
           '       AND abs(2 * (get_byte(tidsend(t.ctid), 5) * 61 % 100) + 1 - $7::integer - $8::integer)\n'
           '           < $8::integer - $7::integer'
               AS in_batch,
           CASE WHEN s.was_there THEN format('jsonb_object(ARRAY[%s], ARRAY[%s]) AS held', s.quoted,
                                             s.held) END AS holding,
           CASE WHEN s.was_there THEN s.key || ' AS key, o.held'
                WHEN s.parks THEN s.key || ' AS key' ELSE '1' END AS returned,
           concat(
               CASE WHEN s.was_there THEN concat(
                   E', kept AS (\n    INSERT INTO tenantdeck.old_value (plan, unit, key, value)\n',
                   '    SELECT $1::text, ', s.unit, E', c.key, c.held FROM changed AS c\n',
                   E'    ON CONFLICT (plan, unit, key) DO NOTHING\n)') END,
               CASE WHEN s.parks THEN concat(
                   E', freed AS (\n    DELETE FROM tenantdeck.parked AS q USING changed AS c\n',
                   '     WHERE q.plan = $1::text AND q.unit = ', s.unit, E' AND q.key = c.key\n)')
               END) AS and_then,
           concat(
               E', mark AS (\n',
               E'    INSERT INTO tenantdeck.checkpoint (step, unit, part, next, rows, epoch)\n',
               '    SELECT $3::bigint, ', s.unit, ', $4::text, $6::tid::text, (SELECT count(*) FROM ',
               CASE WHEN s.was_there THEN 'old' ELSE 'changed' END, E'), f.epoch\n',
               E'      FROM fence AS f\n    RETURNING rows\n)\n',
               'SELECT EXISTS (SELECT FROM fence) AS fenced,',
               E'\n       coalesce((SELECT m.rows FROM mark AS m), 0) AS changed') AS marking,
           CASE WHEN s.parks THEN concat(
               '    INSERT INTO tenantdeck.parked (plan, unit, key, reason)', E'\n    SELECT ', s.plan,
               ', ', s.unit, ', ', s.key, ', ',
               format('coalesce(%L || %s || %L, %L)', 'no code is known for ''', s.source_text, '''',
                      'nothing tells its code'),
               E'\n      FROM ONLY ', s.relation, E' AS t\n     WHERE ') END AS parking
      FROM shaped s
), batch AS (
    SELECT w.place,
           concat(
               w.fence,
               CASE WHEN w.was_there THEN concat(
                   E', old AS MATERIALIZED (\n    SELECT t.ctid AS at, ', w.holding, ', ', w.news,
                   E'\n      FROM ONLY ', w.relation, E' AS t\n     CROSS JOIN LATERAL (', w.look,
                   E') AS n\n     WHERE EXISTS (SELECT FROM fence)\n       AND ', w.in_batch,
                   E'\n       AND (', w.differs, E')\n       FOR NO KEY UPDATE OF t\n)') END,
               E', changed AS (\n    UPDATE ONLY ', w.relation, E' AS t\n       SET ',
               CASE WHEN w.was_there THEN concat(w.sets_of_old, E'\n      FROM old AS o\n     WHERE ',
                                                 't.ctid = o.at')
                    ELSE concat(
                        CASE WHEN w.source = 'constant' THEN w.sets
                             WHEN w.defaults THEN format('(%s) = (SELECT %s FROM %s)', w.names,
                                                         w.looked, w.single)
                             ELSE format(E'%s\n      FROM %s', w.sets, w.sources) END,
                        E'\n     WHERE EXISTS (SELECT FROM fence)\n       AND ', w.in_batch,
                        E'\n       AND (', w.fillable, ')',
                        CASE WHEN NOT w.defaults THEN E'\n       AND ' || w.condition END) END,
               E'\n    RETURNING ', w.returned, E'\n)',
               w.and_then,
               CASE WHEN w.parks THEN concat(
                   E', parking AS (\n', w.parking,
                   E'EXISTS (SELECT FROM fence) AND $7::integer = 0 AND $8::integer = 100\n       AND ',
                   w.in_batch, E'\n       AND (', w.any_empty, E')\n       AND NOT EXISTS (SELECT FROM ',
                   w.sources, ' WHERE ', w.condition,
                   E')\n    ON CONFLICT (plan, unit, key) DO NOTHING\n)') END,
               w.marking) AS statement
      FROM worded w
), settling AS ( -- looks first and changes then, so that rows are locked for moments
    SELECT w.place,
           concat(
               w.fence, E', seen AS MATERIALIZED (\n    SELECT coalesce(array_agg(s.at), ''{}'') AS at',
               CASE WHEN w.was_there THEN ', array_agg(s.held) AS held' END,
               E'\n      FROM (SELECT t.ctid AS at',
               CASE WHEN w.was_there THEN ', ' || w.holding END,
               E'\n              FROM ONLY ', w.relation, ' AS t',
               CASE w.source WHEN 'parent' THEN ', ' || w.sources
                             ELSE E'\n             CROSS JOIN LATERAL (' || w.look || ') AS n' END,
               E'\n             WHERE EXISTS (SELECT FROM fence)\n               AND ',
               CASE w.source
               WHEN 'parent' THEN format(E'($3::text[] IS NULL OR cardinality($3::text[]) > 0)\n'
                                         '               AND %s\n               AND (%s)',
                                         w.condition, w.differs_joined)
               WHEN 'constant' THEN format(E'$3::text[] IS NULL\n               AND (%s)', w.differs)
               ELSE format(E'($3::text[] IS NULL\n'
                           '                    OR coalesce(nullif(%s, ''''), ''0'') = ANY ($3::text[]))'
                           '\n               AND (%s)', w.source_text, w.differs) END,
               E'\n             LIMIT CASE WHEN $3::text[] IS NULL THEN 20000 ELSE 1000 END) AS s\n), changed AS (\n    UPDATE ONLY ', w.relation,
               E' AS t\n       SET (', w.names, ') = (SELECT ', w.looked, ' FROM ' || w.single,
               E')\n      FROM seen AS s CROSS JOIN LATERAL unnest(s.at',
               CASE WHEN w.was_there THEN ', s.held) AS o (at, held)' ELSE ') AS o (at)' END,
               E'\n     WHERE t.ctid = o.at\n    RETURNING ', w.returned, E'\n)',
               w.and_then,
               E'\nSELECT EXISTS (SELECT FROM fence) AS fenced,\n',
               '       (SELECT cardinality(s.at) FROM seen AS s) AS changed') AS statement
      FROM worded w
), constant AS ( -- a block that makes one statement with the map as a constant, which never leaves the
    -- server: the ALTER of a rewrite, or the batch that a connection prepares for itself
    SELECT w.place, c.how,
           concat(
               E'DECLARE\n    tenants text;\n    organizations text;\n',
               CASE WHEN w.is_number THEN
                   E'    lowest bigint;\n    highest bigint;\n    many bigint;\n    keys bigint[];\n'
                   '    given integer[];\n    places text;\n    closing text;\n' END,
               E'BEGIN\n', x.before,
               CASE WHEN w.is_number THEN concat(
                   E'    PERFORM set_config(''work_mem'', ''128MB'', true);\n',
                   E'    WITH code AS MATERIALIZED (\n',
                   E'        SELECT row_number() OVER () AS place, k.tenant, k.organization\n',
                   E'          FROM (SELECT DISTINCT m.tenant, coalesce(m.organization, '''')',
                   E' AS organization\n                  FROM (', w.codes, E') AS m) AS k\n',
                   E'    ), placed AS (\n        SELECT m.key, code.place\n          FROM (',
                   w.map, E') AS m\n          JOIN code ON code.tenant = m.tenant\n',
                   E'                   AND code.organization = coalesce(m.organization, '''')\n',
                   E'         WHERE m.key IS NOT NULL\n         ORDER BY m.key\n    )\n',
                   E'    SELECT p.*, c.* INTO lowest, highest, many, keys, given, closing, tenants, organizations\n',
                   E'      FROM (SELECT min(p.key), max(p.key), count(*), array_agg(p.key), array_agg(p.place)\n',
                   E'              FROM placed AS p) AS p,\n',
                   -- An element of an array is found from its beginning on, one of jsonb at once.
                   E'           (SELECT CASE WHEN count(*) > 100 THEN '')'' ELSE '']'' END,\n',
                   E'                   CASE WHEN count(*) > 100\n',
                   E'                        THEN quote_literal(''[null]''::jsonb || jsonb_agg(c.tenant\n',
                   E'                                           ORDER BY c.place)) || ''::jsonb ->> (''\n',
                   E'                        ELSE ''('' || quote_literal(array_agg(c.tenant ORDER BY c.place))\n',
                   E'                             || ''::text[])['' END,\n',
                   E'                   CASE WHEN count(*) > 100\n',
                   E'                        THEN quote_literal(''[null]''::jsonb\n',
                   E'                                           || jsonb_agg(nullif(c.organization, '''')\n',
                   E'                                           ORDER BY c.place)) || ''::jsonb ->> (''\n',
                   E'                        ELSE ''('' || quote_literal(array_agg(nullif(c.organization, '''')\n',
                   E'                                           ORDER BY c.place)) || ''::text[])['' END\n',
                   E'              FROM code AS c) AS c;\n',
                   E'    IF highest - lowest < 4 * many + 1000 THEN\n',
                   E'        IF many < highest - lowest + 1 THEN -- an array has no gaps\n',
                   E'            SELECT array_agg(coalesce(p.place, 0) ORDER BY s.key) INTO given\n',
                   E'              FROM generate_series(lowest, highest) AS s (key)\n',
                   E'              LEFT JOIN unnest(keys, given) AS p (key, place) USING (key);\n',
                   E'        END IF;\n        places := given;\n        ',
                   x.verb, x.head, ' || ', c.by_number, x.told_by_number, x.finish, E';\n    ELSE\n') END,
               CASE WHEN w.source <> 'constant' THEN concat(
                   E'    SELECT coalesce(jsonb_object_agg(k.key, k.tenant), ''{}''),\n',
                   E'           coalesce(jsonb_object_agg(k.key, k.organization), ''{}'')\n',
                   E'      INTO tenants, organizations\n      FROM (', w.map,
                   E') AS k\n     WHERE k.key IS NOT NULL;\n') END,
               '    ', x.verb, x.head, ' || ', c.by_key, x.told_by_key, x.finish, E';\n',
               CASE WHEN w.is_number THEN E'    END IF;\n' END,
               E'END\n') AS body
      FROM worded w
      JOIN piece c USING (place)
     CROSS JOIN LATERAL (
           -- With a constant of any size a batch is planned once, not each time.
           SELECT CASE c.how WHEN 'batch' THEN
                      E'    IF EXISTS (SELECT FROM pg_catalog.pg_prepared_statements AS s\n'
                      '                WHERE s.name = ''tenantdeck_batch'') THEN\n'
                      '        DEALLOCATE tenantdeck_batch;\n    END IF;\n'
                      '    PERFORM set_config(''plan_cache_mode'', ''force_generic_plan'', false);\n'
                      END AS before,
                  CASE c.how WHEN 'rewrite' THEN 'PERFORM set_config(''tenantdeck.rewrite'', '
                             ELSE 'EXECUTE ' END AS verb,
                  CASE c.how WHEN 'rewrite' THEN ', false)' END AS finish,
                  CASE c.how WHEN 'rewrite' THEN quote_literal(format('ALTER TABLE %s ', w.relation))
                  ELSE quote_literal(concat(
                      'PREPARE tenantdeck_batch (text, bigint, bigint, text, tid, tid, integer, integer) AS ',
                      w.fence, E', changed AS (\n    UPDATE ONLY ', w.relation, E' AS t\n       SET ')) END
                      AS head,
                  CASE c.how WHEN 'batch' THEN tail.opening || CASE WHEN NOT w.defaults THEN concat(
                      ' || ', quote_literal(E'\n       AND CASE WHEN ' || w.ours || ' BETWEEN '),
                      ' || lowest || ', quote_literal(' AND '), ' || highest || ', quote_literal(' THEN ('),
                      ' || quote_literal(places) || ',
                      quote_literal('::integer[])[(' || w.ours || ' - ('), ' || lowest || ',
                      quote_literal(') + 1)::integer] END > 0')) ELSE '' END || tail.closing
                      END AS told_by_number,
                  CASE c.how WHEN 'batch' THEN tail.opening || CASE WHEN NOT w.defaults THEN concat(
                      ' || ', quote_literal(E'\n       AND '), ' || quote_literal(tenants) || ',
                      quote_literal(format('::jsonb ->> %s IS NOT NULL', w.source_bare))) ELSE '' END
                      || tail.closing END AS told_by_key
             FROM (SELECT CASE c.how WHEN 'batch' THEN ' || ' || quote_literal(concat(
                              E'\n     WHERE EXISTS (SELECT FROM fence)\n       AND ', w.in_batch,
                              E'\n       AND ', w.no_tenant)) ELSE '' END AS opening,
                          CASE c.how WHEN 'batch' THEN ' || ' || quote_literal(concat(
                              E'\n    RETURNING 1\n)', w.marking)) ELSE '' END AS closing) AS tail) AS x
), runner AS ( -- of the ALTER that a session has ready: it is taken out of there first, since what
    -- stands there is copied for each process that helps to build an index
    SELECT w.place, 'rewrite run' AS how,
           concat(
               E'DECLARE\n    rewrite text := current_setting(''tenantdeck.rewrite'');\nBEGIN\n',
               E'    PERFORM set_config(''tenantdeck.rewrite'', '''', false);\n    EXECUTE rewrite;\n',
               CASE WHEN w.parks THEN concat(w.parking, w.any_empty,
                                             E'\n    ON CONFLICT (plan, unit, key) DO NOTHING;\n') END,
               E'END\n') AS body
      FROM worded w
), block AS (
    SELECT x.place, max(x.statement) FILTER (WHERE x.how = 'rewrite') AS rewrite,
           max(x.statement) FILTER (WHERE x.how = 'rewrite run') AS run,
           max(x.statement) FILTER (WHERE x.how = 'batch') AS prepare
      FROM (SELECT c.place, c.how,
                   'DO ' || CASE WHEN position('$tenantdeck$' IN c.body) = 0
                                 THEN E'$tenantdeck$\n' || c.body || '$tenantdeck$'
                                 ELSE quote_literal(c.body) END AS statement
              FROM (SELECT * FROM constant UNION ALL SELECT * FROM runner) AS c) AS x
     GROUP BY x.place
), probe AS MATERIALIZED ( -- is no row left that could be told its code?
    SELECT w.place, w.name, w.source, w.parent_table,
           w.is_there AND NOT w.is_early AND NOT w.is_spread AS may_ask,
           format('SELECT NOT EXISTS (SELECT FROM ONLY %s AS t%s WHERE %s) AS done', w.relation,
                  CASE WHEN w.was_there THEN format(' CROSS JOIN LATERAL (%s) AS n', w.look)
                       WHEN NOT w.defaults THEN ', ' || w.sources ELSE '' END,
                  CASE WHEN w.was_there THEN w.differs
                       WHEN w.defaults THEN w.fillable
                       ELSE format('(%s) AND %s', w.fillable, w.condition) END) AS query
      FROM worded w
), probed AS ( -- a child is looked at when its parents are done: before, it finds nothing
    SELECT p.place, p.name, answer.done
      FROM probe p CROSS JOIN journal
     CROSS JOIN LATERAL (
           SELECT CASE WHEN p.may_ask AND journal.is_there
                       THEN query_to_xml(p.query, false, false, '')::text LIKE '%<done>true</done>%'
                       ELSE false END AS done) AS answer
     WHERE p.source <> 'parent'
     UNION ALL
    SELECT p.place, p.name, answer.done
      FROM probed q JOIN probe p ON p.source = 'parent' AND p.parent_table = q.name
     CROSS JOIN LATERAL (
           SELECT CASE WHEN q.done AND p.may_ask
                       THEN query_to_xml(p.query, false, false, '')::text LIKE '%<done>true</done>%'
                       ELSE false END AS done) AS answer
), chosen AS (
    SELECT w.*, way.how,
           way.how = 'batch' AND w.pages >= 256 AND w.source <> 'constant'
               AND w.no_tenant IS NOT NULL AND NOT w.was_there AND NOT w.parks
               AND w.map_rows <= w.rows AND w.map_bytes <= 64 * 1024 * 1024 AS is_prepared,
           -- The more indexes, the more a pass spares; the wider the rows, the less it finds to do.
           CASE WHEN w.pages < 256 OR w.is_indexed THEN 1
                ELSE least(3 + w.indexes + (w.width < 250)::integer, 6) END::integer AS passes,
           w.width / (w.width + w.growth) AS shrinking
      FROM worded w
     CROSS JOIN LATERAL (
           SELECT CASE WHEN w.is_spread THEN 'nothing'
                       WHEN NOT w.in_window THEN 'batch'
                       WHEN w.pages = 0 THEN 'nothing'
                       -- Old values have to be kept row by row; and a constant of any size has to be parsed.
                       WHEN w.was_there OR w.is_held OR w.has_heirs
                            OR w.map_bytes > 64 * 1024 * 1024 THEN 'batch'
                       ELSE 'rewrite' END AS how) AS way
)
SELECT c.name AS unit,
       c.relation,
       c.how,
       CASE WHEN c.is_prepared THEN block.prepare
            WHEN c.how = 'rewrite' THEN block.rewrite END AS prepare,
       CASE WHEN c.how = 'rewrite' AND c.is_apart
            THEN row_number() OVER (PARTITION BY c.how, c.is_apart
                                    ORDER BY c.depth DESC, c.source = 'user' DESC, c.pages DESC)
            END AS turn,
       CASE c.how WHEN 'batch' THEN batch.statement WHEN 'rewrite' THEN block.run END AS statement,
       c.pages,
       c.rows,
       -- What one pass has moved away is the room of the next, and new versions are wider.
       ARRAY(SELECT round(100 * (1 - power(c.shrinking, i.pass))
                          / (1 - power(c.shrinking, c.passes)))::integer
               FROM generate_series(1, c.passes) AS i (pass) ORDER BY i.pass) AS shares,
       CASE WHEN NOT c.is_spread THEN settling.statement END AS settle,
       CASE c.how WHEN 'batch' THEN format('VACUUM (ANALYZE) %s (%s)', c.relation, c.names)
                  WHEN 'rewrite' THEN format('ANALYZE %s (%s)', c.relation, c.names) END AS tidy,
       probed.done,
       CASE WHEN c.was_there THEN jsonb_build_array(jsonb_build_object(
                'type', 'table rows', 'object', 'old values of ' || c.relation,
                'definition', 'tenantdeck.old_value',
                -- As the fill did it: no trigger fires, and a foreign key that holds parent and child
                -- together is asked when both are back, which is at the parent.
                'statement', format(
                    E'SELECT pg_catalog.set_config(''session_replication_role'', ''replica'', true)\n'
                    ' WHERE %6$s;\n'
                    'UPDATE ONLY %1$s AS t SET %2$s\n  FROM tenantdeck.old_value AS o\n'
                    ' WHERE o.plan = %3$s AND o.unit = %4$s AND o.key = %5$s;\n'
                    'DELETE FROM tenantdeck.old_value AS o WHERE o.plan = %3$s AND o.unit = %4$s;\n'
                    'DO %7$L',
                    c.relation, c.restored, c.plan, c.unit, c.key,
                    CASE WHEN current_setting('server_version_num')::integer >= 150000
                         THEN 'pg_catalog.has_parameter_privilege(''session_replication_role'', ''SET'')'
                         ELSE '(SELECT r.rolsuper FROM pg_catalog.pg_roles AS r '
                              'WHERE r.rolname = current_user)' END,
                    format(
                        E'DECLARE\n    bound record;\n    lonely boolean;\nBEGIN\n'
                        '    FOR bound IN\n'
                        '        SELECT f.conname, f.conrelid::regclass AS child,\n'
                        '               (SELECT string_agg(format(''c.%%I = p.%%I'', a.attname, b.attname), '' AND '')\n'
                        '                  FROM unnest(f.conkey, f.confkey) AS k (ours, theirs)\n'
                        '                  JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = k.ours\n'
                        '                  JOIN pg_attribute b ON b.attrelid = f.confrelid AND b.attnum = k.theirs)\n'
                        '                   AS alike,\n'
                        '               (SELECT string_agg(format(''c.%%I IS NOT NULL'', a.attname), '' AND '')\n'
                        '                  FROM pg_attribute a\n'
                        '                 WHERE a.attrelid = f.conrelid AND a.attnum = ANY (f.conkey)) AS whole\n'
                        '          FROM pg_constraint f\n'
                        '         WHERE f.contype = ''f'' AND f.confrelid = %1$L::regclass AND f.convalidated\n'
                        '    LOOP\n'
                        '        EXECUTE format(''SELECT EXISTS (SELECT FROM %%s AS c WHERE %%s AND NOT EXISTS ''\n'
                        '                       ''(SELECT FROM %%s AS p WHERE %%s))'', bound.child, bound.whole,\n'
                        '                       %1$L, bound.alike) INTO lonely;\n'
                        '        IF lonely THEN\n'
                        '            RAISE foreign_key_violation USING MESSAGE = format(\n'
                        '                ''rows of %%s, written since, would lead nowhere by %%I when %%s has its old ''\n'
                        '                ''values again'', bound.child, bound.conname, %1$L);\n'
                        '        END IF;\n    END LOOP;\nEND\n', c.relation)),
                'alone', false)) ELSE '[]'::jsonb END
       || CASE WHEN c.parks THEN jsonb_build_array(jsonb_build_object(
                'type', 'table rows', 'object', 'parked rows of ' || c.relation, 'definition', NULL,
                'statement', format('DELETE FROM tenantdeck.parked AS q WHERE q.plan = %s '
                                    'AND q.unit = %s', c.plan, c.unit),
                'alone', false)) ELSE '[]'::jsonb END AS records
  FROM chosen c
  JOIN batch USING (place)
  JOIN block USING (place)
  JOIN probed USING (place)
  LEFT JOIN settling USING (place)
 ORDER BY c.depth, c.place;

-- name: fill_quiet
-- The application's triggers do not fire on what this session changes, and foreign keys are not
-- checked: step confirm looks at every row afterwards.
SET session_replication_role = replica;

-- name: fill_unhurried
-- A batch and its checkpoint are lost together or not at all, and the next commit of the worker's own
-- connection, which waits, makes sure of all before it: so no batch waits for the disk.
SET synchronous_commit = off;

-- name: fill_forget
-- A connection leaves the batch that it has prepared: the sweeps look for themselves.
DEALLOCATE ALL;
RESET plan_cache_mode;

-- name: fill_triggers
-- The triggers that the fill would fire where fill_quiet is not allowed. $1: the plan. Answers no row,
-- or one: triggers ("sessions: touch_updated_at, ...").
SELECT string_agg(format('%s: %s', c.relname, t.tgname), ', ' ORDER BY c.relname, t.tgname) AS triggers
  FROM jsonb_array_elements($1::jsonb -> 'tables') AS p (doc)
  JOIN pg_namespace n ON n.nspname = $1::jsonb ->> 'schema'
  JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = p.doc ->> 'name'
  JOIN pg_trigger t ON t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgenabled IN ('O', 'A')
                   AND t.tgtype & 16 <> 0
  JOIN pg_proc f ON f.oid = t.tgfoid
 WHERE NOT EXISTS (SELECT 1 FROM pg_namespace o
                    WHERE o.oid = f.pronamespace AND o.nspname = 'tenantdeck')
HAVING count(*) > 0;

-- name: fill_pages
-- How many pages table $1 has now.
SELECT pg_relation_size($1::regclass) / current_setting('block_size')::integer AS pages;

-- name: fill_marks
-- What step $1 has done of table $2 already. Answers: part, next, rows.
SELECT c.part, coalesce(c.next, '') AS next, c.rows
  FROM tenantdeck.checkpoint c
 WHERE c.step = $1::bigint AND c.unit = $2;

-- name: fill_part
-- Has step $1 done part $3 of table $2? Asked when a connection was lost before a batch was answered.
-- Answers no row or one: rows.
SELECT c.rows FROM tenantdeck.checkpoint c WHERE c.step = $1::bigint AND c.unit = $2 AND c.part = $3;

-- name: fill_writers
-- Transactions that write to tables of plan $2 just now: what they insert is seen by nobody yet, and
-- may have been given the codes of a moment ago. $1: only those of this list; NULL: all. Answers:
-- count, writers (the list), sessions (which they are, for people).
SELECT count(DISTINCT l.virtualtransaction) AS count,
       coalesce(array_agg(DISTINCT l.virtualtransaction), '{}') AS writers,
       coalesce(string_agg(DISTINCT 'pid ' || l.pid, ', '), '') AS sessions
  FROM jsonb_array_elements($2::jsonb -> 'tables') AS p (doc)
  JOIN pg_namespace n ON n.nspname = $2::jsonb ->> 'schema'
  JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = p.doc ->> 'name'
  JOIN pg_locks l ON l.locktype = 'relation' AND l.relation = c.oid AND l.granted
                 AND l.mode = 'RowExclusiveLock' AND l.pid IS DISTINCT FROM pg_backend_pid()
  JOIN pg_database d ON d.oid = l.database AND d.datname = current_database()
 WHERE $1::text[] IS NULL OR l.virtualtransaction = ANY ($1::text[]);

-- name: fill_snapshots
-- Transactions that see the rows as they were when they began, and will until they end (repeatable read,
-- serializable): whatever the fill has done since, a trigger that fires for them does not see it. The level
-- itself is not shown to others, so it is told by what is: a snapshot is held, and not just by the one
-- statement that is the whole transaction. Sessions of others show it only to members of
-- pg_read_all_stats. $1: only those of this list; NULL: all; $2: the plan, of which nothing is needed.
-- Answers: count, snapshots (the list), sessions (which they are, for people).
SELECT count(*) AS count,
       coalesce(array_agg(h.name), '{}') AS snapshots,
       coalesce(string_agg(h.session, ', ' ORDER BY h.since), '') AS sessions
  FROM (SELECT format('%s of %s at %s', a.pid, a.xact_start, a.backend_xmin) AS name,
               concat('pid ', a.pid, ' of ', a.usename, ', ' || nullif(a.application_name, '')) AS session,
               a.xact_start AS since
          FROM pg_stat_activity a
         WHERE a.datname = current_database() AND a.backend_type = 'client backend'
           AND a.pid <> pg_backend_pid() AND a.backend_xmin IS NOT NULL
           AND NOT (a.state = 'active' AND a.query_start = a.xact_start)) AS h
 WHERE ($1::text[] IS NULL OR h.name = ANY ($1::text[]))
   AND $2::jsonb IS NOT NULL;

-- name: fill_take
-- Users of plan $1 whose rows have to be looked at again, a thousand at most. Answers: count, keys (an
-- array), taken (JSON: when each was noted last).
SELECT count(*) AS count,
       coalesce(array_agg(q.key), '{}') AS keys,
       coalesce(jsonb_object_agg(q.key, q.at), '{}') AS taken
  FROM (SELECT r.key, r.at FROM tenantdeck.requeue r WHERE r.plan = $1 ORDER BY r.at LIMIT 1000) AS q;

-- name: fill_taken
-- Those of plan $1 are settled ($2 as fill_take has answered it); who changed once more meanwhile stays.
DELETE FROM tenantdeck.requeue r
 USING jsonb_each_text($2::jsonb) AS t (key, at)
 WHERE r.plan = $1 AND r.key = t.key AND r.at = t.at::timestamptz;
