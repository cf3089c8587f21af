-- The migration of a plan as somebody would do it by hand: for tests that need a migrated database
-- and must not get it from what they test. psql with the variable plan (its definition as JSON); the
-- journal and the plan's rows of tenantdeck.mapping are there. Constraints and indexes get the names
-- that PostgreSQL chooses. The plan has both columns, and no parent has a parent.
\set ON_ERROR_STOP 1
\set QUIET 1
SET search_path = pg_catalog, pg_temp;
SET client_min_messages = warning;
SET TimeZone = 'UTC';

CREATE TEMPORARY TABLE planned AS
SELECT t.place, t.doc, t.doc ->> 'name' AS name, t.doc ->> 'source' AS source,
       t.doc ->> 'source_column' AS source_column, t.doc ->> 'orphans' AS orphans,
       t.doc ->> 'parent_table' AS parent_table, t.doc ->> 'parent_column' AS parent_column,
       format('%I.%I', :'plan'::jsonb ->> 'schema', t.doc ->> 'name') AS shown,
       :'plan'::jsonb -> 'mapping' AS mapping,
       jsonb_path_query_first(:'plan'::jsonb, '$.columns[*] ? (@.role == "tenant").name') #>> '{}'
           AS tenant,
       jsonb_path_query_first(:'plan'::jsonb, '$.columns[*] ? (@.role == "organization").name')
           #>> '{}' AS organization
  FROM jsonb_array_elements(:'plan'::jsonb -> 'tables') WITH ORDINALITY AS t (doc, place)
 WHERE to_regclass(format('%I.%I', :'plan'::jsonb ->> 'schema', t.doc ->> 'name')) IS NOT NULL;

-- A run that has measured the rows, and a step that undo records can belong to.
INSERT INTO tenantdeck.plan (name, hash, kind, text, document)
SELECT :'plan'::jsonb ->> 'name', repeat('0', 64), 'columns', 'by hand', :'plan'::jsonb;
INSERT INTO tenantdeck.run (generation, plan, verb, mode, state, os_user, host, program, ended_at)
SELECT m.generation, p.id, 'migrate', 'window', 'done', 'hand', 'here', 'psql',
       clock_timestamp() + interval '1 minute'
  FROM tenantdeck.meta m, tenantdeck.plan p;
INSERT INTO tenantdeck.step (run, ordinal, name, type, state)
SELECT id, 1, 'keys', 'once', 'done' FROM tenantdeck.run;
SELECT format($$INSERT INTO tenantdeck.measure (run, unit, name, value)
                SELECT max(r.id), %L, 'rows before', (SELECT count(*) FROM %s)
                  FROM tenantdeck.run r$$, name, shown)
  FROM planned ORDER BY place \gexec

SELECT format('ALTER TABLE %s ADD COLUMN IF NOT EXISTS %I %s', t.shown, c.doc ->> 'name',
              c.doc ->> 'type')
  FROM planned t, jsonb_array_elements(:'plan'::jsonb -> 'columns') AS c (doc)
 WHERE t.doc -> 'columns' ? (c.doc ->> 'name')
 ORDER BY t.place, c.doc ->> 'role' DESC \gexec

-- ---- the codes: own and user tables, then parents before children, then what is left ----

SELECT format('UPDATE %s AS t SET %I = m.tenant_code, %I = m.organization_code'
              ' FROM tenantdeck.mapping m WHERE m.plan = %L AND m.key = t.%I::text', shown, tenant,
              organization, :'plan'::jsonb ->> 'name', source_column)
  FROM planned WHERE source = 'own' ORDER BY place \gexec
SELECT format('UPDATE %s AS t SET %I = m.tenant_code, %I = m.organization_code'
              ' FROM %I.%I AS u JOIN tenantdeck.mapping m ON m.key = u.%I::text'
              ' WHERE m.plan = %L AND u.%I::text = t.%I::text', shown, tenant, organization,
              :'plan'::jsonb ->> 'schema', mapping ->> 'user_table', mapping ->> 'user_key',
              :'plan'::jsonb ->> 'name', mapping ->> 'user_column', source_column)
  FROM planned WHERE source = 'user' ORDER BY place \gexec
SELECT format('UPDATE %1$s SET %2$I = %3$L, %4$I = %5$L WHERE %2$I IS NULL', shown, tenant,
              mapping ->> 'default_tenant', organization, mapping ->> 'default_organization')
  FROM planned WHERE source = 'constant' OR orphans = 'default' AND source <> 'parent'
 ORDER BY place \gexec
SELECT format('UPDATE %1$s AS t SET %2$I = p.%2$I, %3$I = p.%3$I FROM %4$I.%5$I AS p'
              ' WHERE p.%6$I = t.%7$I', shown, tenant, organization,
              :'plan'::jsonb ->> 'schema', parent_table, parent_column, source_column)
  FROM planned WHERE source = 'parent' ORDER BY place \gexec

-- ---- constraints, keys, indexes ----

SELECT format('ALTER TABLE %s ALTER %I SET NOT NULL', shown, n.name)
  FROM planned, jsonb_array_elements_text(doc -> 'not_null') AS n (name) ORDER BY place \gexec

-- What goes is written down as the engine does it.
CREATE TEMPORARY TABLE leaving AS
SELECT t.place, t.shown, t.doc, i.indexrelid, con.oid AS constraint_oid, con.conname,
       i.indisprimary, pg_get_expr(i.indpred, i.indrelid) AS condition, u.key
  FROM planned t
  JOIN pg_index i ON i.indrelid = t.shown::regclass AND i.indisunique
  LEFT JOIN pg_constraint con ON con.conindid = i.indexrelid AND con.conrelid = i.indrelid
                             AND con.contype IN ('p', 'u')
  LEFT JOIN jsonb_array_elements(t.doc -> 'uniques') AS u (key)
         ON u.key ->> 'replaces' = (SELECT relname FROM pg_class WHERE oid = i.indexrelid)
 WHERE i.indisprimary AND jsonb_array_length(t.doc -> 'primary_key' -> 'columns') > 0
    OR u.key IS NOT NULL;
INSERT INTO tenantdeck.undo (generation, plan, run, step, ordinal, object_type, object, definition,
                             statement)
SELECT m.generation, :'plan'::jsonb ->> 'name', s.run, s.id, row_number() OVER (ORDER BY l.place),
       o.type, o.identity,
       coalesce(pg_get_constraintdef(l.constraint_oid), pg_get_indexdef(l.indexrelid)), 'by hand'
  FROM leaving l, tenantdeck.meta m, tenantdeck.step s,
       pg_identify_object(CASE WHEN l.constraint_oid IS NULL THEN 'pg_class' ELSE 'pg_constraint'
                          END::regclass, coalesce(l.constraint_oid, l.indexrelid), 0) AS o;

SELECT format('CREATE UNIQUE INDEX ON %s (%s)%s', t.shown,
              (SELECT string_agg(quote_ident(c.name), ', ' ORDER BY c.place)
                 FROM jsonb_array_elements_text(u.key -> 'columns')
                      WITH ORDINALITY AS c (name, place)),
              ' WHERE ' || l.condition)
  FROM planned t
 CROSS JOIN jsonb_array_elements(t.doc -> 'uniques') AS u (key)
  LEFT JOIN leaving l ON l.place = t.place AND l.key = u.key \gexec
SELECT CASE WHEN constraint_oid IS NULL THEN format('DROP INDEX %s', indexrelid::regclass)
            ELSE format('ALTER TABLE %s DROP CONSTRAINT %I', shown, conname) END
  FROM leaving \gexec
SELECT format('ALTER TABLE %s ADD PRIMARY KEY (%s)', t.shown,
              (SELECT string_agg(quote_ident(c.name), ', ' ORDER BY c.place)
                 FROM jsonb_array_elements_text(t.doc -> 'primary_key' -> 'columns')
                      WITH ORDINALITY AS c (name, place)))
  FROM planned t WHERE jsonb_array_length(t.doc -> 'primary_key' -> 'columns') > 0 \gexec
SELECT format('CREATE INDEX ON %s (%s)', t.shown,
              (SELECT string_agg(quote_ident(c.name), ', ' ORDER BY c.place)
                 FROM jsonb_array_elements_text(x.key -> 'columns')
                      WITH ORDINALITY AS c (name, place)))
  FROM planned t, jsonb_array_elements(t.doc -> 'indexes') AS x (key) \gexec
SELECT format('ALTER TABLE %s ADD FOREIGN KEY (%s) REFERENCES %I.%I (%s)', t.shown,
              (SELECT string_agg(quote_ident(c.name), ', ' ORDER BY c.place)
                 FROM jsonb_array_elements_text(f.doc -> 'columns')
                      WITH ORDINALITY AS c (name, place)),
              :'plan'::jsonb ->> 'schema', f.doc ->> 'table',
              (SELECT string_agg(quote_ident(c.name), ', ' ORDER BY c.place)
                 FROM jsonb_array_elements_text(f.doc -> 'target')
                      WITH ORDINALITY AS c (name, place)))
  FROM planned t, jsonb_array_elements(t.doc -> 'references') AS f (doc) \gexec
SELECT format('ANALYZE %s', shown) FROM planned \gexec
