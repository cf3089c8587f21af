-- The migrations of a service that keeps them with Sequelize: one row for each that has been run, by
-- the name of its file.

-- name: sequelize_names
-- Answers the statement that reads the names, from whichever tables there are in schema $1: the tool
-- keeps them in "SequelizeMeta" unless its configuration says sequelize_meta. NULL: there is neither.
-- Columns: statement, tables (how they are called).
SELECT string_agg(format('SELECT %L::text AS meta, m.name::text AS name FROM %I.%I m',
                         c.relname, n.nspname, c.relname), ' UNION ALL ' ORDER BY c.relname)
           || ' ORDER BY 2, 1' AS statement,
       string_agg(quote_ident(c.relname), ' and ' ORDER BY c.relname) AS tables
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'name' AND NOT a.attisdropped
 WHERE n.nspname = $1 AND c.relname IN ('sequelize_meta', 'SequelizeMeta')
   AND c.relkind IN ('r', 'p', 'v');
