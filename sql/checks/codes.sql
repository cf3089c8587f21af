-- What a row's codes are and should be, table by table, as check_confirm asks and work_move mends it. Both
-- begin with way.sql and this; `tenantdeck sql` prints them in their places. It ends with `move`: what moves
-- the rows of a spread table to the tenants they belong to.
, subject AS MATERIALIZED (
    SELECT p.place, p.name, p.shown, p.source, p.parent_table, p.oid, route.joins, route.tenant,
           route.organization, route.is_single, route.may_park,
           route.keys,
           p.doc -> 'columns' ? plan.tenant AS has_tenant,
           coalesce(p.doc -> 'columns' ? plan.organization, false) AS has_organization,
           route.missing || ARRAY( -- of the plan's own columns
               SELECT format('%s.%s', p.name, w.name)
                 FROM jsonb_array_elements_text(p.doc -> 'columns') AS w (name)
                WHERE NOT EXISTS (SELECT 1 FROM present c
                                   WHERE c.oid = p.oid AND c.name = w.name AND c.plain))
           || ARRAY(SELECT format('%s.%s', up.name, w.name) -- and of those that the parent's are told by
                      FROM planned up,
                           jsonb_array_elements_text(p.doc -> 'columns') AS w (name)
                     WHERE up.name = p.parent_table AND up.doc -> 'columns' ? w.name
                       AND NOT EXISTS (SELECT 1 FROM present c
                                        WHERE c.oid = up.oid AND c.name = w.name AND c.plain))
               AS missing
      FROM planned p CROSS JOIN plan
      JOIN route ON route.place = p.place
), compared AS ( -- the pieces of the query; a code that the table does not get is not compared
    SELECT s.*,
           concat_ws(' AND ',
               CASE WHEN s.has_tenant THEN format('t.%I = %s', plan.tenant, s.tenant) END,
               CASE WHEN s.has_organization
                    THEN format('t.%I = %s', plan.organization, s.organization) END) AS quick,
           -- The organization may have no code; a row without a tenant is never right.
           concat_ws(' AND ',
               CASE WHEN s.has_tenant THEN format('t.%I = %s', plan.tenant, s.tenant) END,
               CASE WHEN s.has_organization
                    THEN format(CASE WHEN s.has_tenant THEN 't.%I IS NOT DISTINCT FROM %s'
                                     ELSE 't.%I = %s' END, plan.organization, s.organization) END)
               AS exact,
           coalesce((SELECT string_agg(format('t.%I IS NULL', w.name), ' OR ')
                       FROM jsonb_array_elements_text(p.doc -> 'columns') AS w (name)), 'false')
               AS empty,
           -- The parent's own columns, as they are; where it has none of them nothing can differ.
           CASE WHEN s.source = 'parent' THEN
               (SELECT string_agg(format('t1.%I IS NOT DISTINCT FROM t.%1$I', w.name), ' AND ')
                  FROM jsonb_array_elements_text(p.doc -> 'columns') AS w (name)
                  JOIN planned up ON up.name = s.parent_table AND up.doc -> 'columns' ? w.name) END
               AS like_parent,
           CASE WHEN s.has_tenant THEN format('t.%I', plan.tenant) ELSE 'NULL::text' END AS tenant_now,
           code.sets, code.found, code.differs,
           (SELECT string_agg(format('%L, t.%I', c.name, c.name), ', ' ORDER BY c.number)
              FROM present c
             WHERE c.oid = s.oid AND c.plain
               AND (p.doc -> 'columns' ? c.name OR c.name = p.source_column
                    OR EXISTS (SELECT 1 FROM pg_index i
                                WHERE i.indrelid = s.oid AND i.indisprimary
                                  AND c.number = ANY (i.indkey)))) AS row_columns,
           before.rows AS rows_before, before.commands
      FROM subject s
      JOIN planned p ON p.place = s.place
     CROSS JOIN plan
     CROSS JOIN LATERAL (
           SELECT string_agg(format('%I = f.%s', v.name, v.role), ', ') AS sets,
                  string_agg(format('%s AS %s', v.code, v.role), ', ') AS found,
                  string_agg(format('f.%s IS NOT NULL', v.role), ' AND ')
                  || ' AND (' || string_agg(format('x.%I IS DISTINCT FROM f.%s', v.name, v.role), ' OR ')
                  || ')' AS differs
             FROM (VALUES (plan.tenant, 'tenant', s.tenant, s.has_tenant),
                          (plan.organization, 'organization', s.organization, s.has_organization))
                  AS v (name, role, code, is_wanted)
            WHERE v.is_wanted) AS code
      LEFT JOIN LATERAL ( -- the newest measure of this plan
           SELECT m.value AS rows,
                  (SELECT string_agg(DISTINCT c.command, ', ') -- of others, which may write rows
                     FROM tenantdeck.child c
                     JOIN tenantdeck.step s ON s.id = c.step AND s.name IN ('schema-new', 'seed')
                    WHERE c.kind = 'process' AND c.run >= m.run) AS commands
             FROM tenantdeck.measure m
             JOIN tenantdeck.run r ON r.id = m.run
             JOIN tenantdeck.plan k ON k.id = r.plan
             JOIN tenantdeck.meta ON meta.generation = r.generation
            WHERE k.name = plan.name AND m.unit = s.name AND m.name = 'rows before'
            ORDER BY m.run DESC LIMIT 1) AS before ON true
), beneath AS ( -- on a cluster: the tables whose rows lead to a table's rows go along with them
    SELECT c.place, c.place AS of, 0 AS depth FROM compared c CROSS JOIN plan WHERE plan.distribute
     UNION
    SELECT b.place, p.place, b.depth + 1
      FROM beneath b
      JOIN planned up ON up.place = b.of
      JOIN planned p ON p.name <> up.name
       AND EXISTS (SELECT 1 FROM jsonb_array_elements(p.doc -> 'references') AS r (doc)
                    WHERE r.doc ->> 'table' = up.name)
     WHERE b.depth < 20
), piece AS ( -- the statements for each of them; a row without a key of its own cannot be told
    SELECT b.place, c.shown, max(b.depth) AS depth, b.of,
           c.place IS NOT NULL AND key.names IS NOT NULL AS is_known, key.has_tenant,
           it.moved,
           format(E'SELECT %1$s%2$s%3$s\n  FROM %4$s AS t%5$s\n GROUP BY %1$s\n'
                  'HAVING NOT bool_or((%6$s) IS TRUE) AND min(%7$s) = max(%7$s)%8$s',
                  key.names, format(', max(%s) AS tenant_to', c.tenant),
                  CASE WHEN c.has_organization
                       THEN format(', max(%s) AS organization_to', c.organization) END,
                  c.shown, c.joins, c.exact, c.tenant,
                  CASE WHEN c.has_organization
                       THEN format(E'\n   AND min(%1$s) IS NOT DISTINCT FROM max(%1$s)', c.organization) END)
               AS wrong,
           format(E'INSERT INTO %s (%s)%s\nSELECT %s\n  FROM %s AS t JOIN %s AS m ON %s\n'
                  ' WHERE m.tenant_to <> t.%I', c.shown, col.names,
                  CASE WHEN col.has_identity THEN ' OVERRIDING SYSTEM VALUE' END, col.sources, c.shown,
                  it.moved, key.same, plan.tenant) AS insertion,
           CASE WHEN c.has_organization THEN
               format(E'UPDATE %s AS t SET %I = m.organization_to\n  FROM %s AS m\n'
                      ' WHERE %s AND m.tenant_to = t.%I', c.shown, plan.organization, it.moved, key.same,
                      plan.tenant) END AS correction,
           format(E'DELETE FROM %s AS t USING %s AS m\n WHERE %s AND m.tenant_to <> t.%I',
                  c.shown, it.moved, key.same, plan.tenant) AS deletion
      FROM beneath b
     CROSS JOIN plan
      LEFT JOIN compared c ON c.place = b.of AND c.has_tenant AND cardinality(c.missing) = 0
     CROSS JOIN LATERAL (SELECT 'tenantdeck_moved_' || b.of AS moved) AS it
      LEFT JOIN LATERAL (
           SELECT string_agg(format('t.%I', p.name), ', ' ORDER BY p.number) AS names,
                  string_agg(format('t.%I = m.%1$I', p.name), ' AND ' ORDER BY p.number) AS same,
                  bool_or(p.name = plan.tenant) AS has_tenant
             FROM pg_index i
             JOIN present p ON p.oid = i.indrelid AND p.number = ANY (i.indkey)
            WHERE i.indrelid = c.oid AND i.indisprimary) AS key ON true
      LEFT JOIN LATERAL (
           SELECT string_agg(format('%I', a.attname), ', ' ORDER BY a.attnum) AS names,
                  string_agg(CASE a.attname WHEN plan.tenant THEN 'm.tenant_to'
                                            WHEN plan.organization THEN 'm.organization_to'
                                            ELSE format('t.%I', a.attname) END,
                             ', ' ORDER BY a.attnum) AS sources,
                  bool_or(a.attidentity = 'a') AS has_identity
             FROM pg_attribute a
            WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
              AND a.attgenerated = '') AS col ON true
     GROUP BY b.place, b.of, c.place, c.shown, c.tenant, c.organization, c.has_organization, c.joins,
              c.exact, it.moved, key.names, key.same, key.has_tenant, col.names, col.sources, col.has_identity,
              plan.tenant, plan.organization
), move AS ( -- top down the rows are written anew, from below the old ones go: no key is ever without its
    -- row. What is wrong is looked for before others have to wait, and read again when they do.
    SELECT s.place, s.is_known, s.statement, s.wrong, s.tables,
           CASE WHEN s.is_known THEN concat(
               E'-- ''tenantdeck fix'' does this. By hand, in psql on the coordinator: a row of another tenant belongs to\n'
               '-- another shard, and what leads to it goes along. What fails leaves all as it was; a row that two\n'
               '-- parents claim stays as it is, and is found again.\nBEGIN;\n', s.statement, E';\nCOMMIT')
           ELSE '-- Not told: one of the tables that would be changed has no primary key, or not all columns.'
           END AS by_hand
      FROM (SELECT p.place, bool_and(p.is_known) AS is_known,
                   max(p.wrong) FILTER (WHERE p.of = p.place) AS wrong,
                   string_agg(p.shown, ', ' ORDER BY p.depth, p.of) AS tables,
                   concat(
                       E'SET LOCAL citus.multi_shard_modify_mode TO ''sequential'';\n',
                       string_agg(format(E'CREATE TEMP TABLE %s ON COMMIT DROP AS\n%s;\n', p.moved,
                                         p.wrong), '' ORDER BY p.depth, p.of),
                       format(E'LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE;\n',
                              string_agg(p.shown, ', ' ORDER BY p.depth, p.of)),
                       string_agg(concat(p.insertion, E';\n', p.correction || E';\n'), ''
                                  ORDER BY p.depth, p.of),
                       string_agg(p.deletion, E';\n' ORDER BY p.depth DESC, p.of)) AS statement
              FROM piece p
             GROUP BY p.place -- as long as a key lacks the tenant its table is not spread: an UPDATE does
            HAVING bool_and(p.has_tenant) IS NOT false) AS s
)
