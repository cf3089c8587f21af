-- Step `functions`: which functions a site's .sql file makes, and what was there before it.
--
-- The file is run twice: in a transaction that is given up, to learn what it makes; then in one that
-- begins with the undo records of just that. $1 of the later statements is what the first run made.

-- name: functions_before
-- Every function with the transaction that wrote it last, and its comment's: what is compared with
-- after the file has run. Answers one JSON object.
SELECT COALESCE(jsonb_object_agg(p.oid::text, p.xmin::text || ' ' || COALESCE(d.xmin::text, '')), '{}')::text
           AS functions
  FROM pg_proc p
  LEFT JOIN pg_description d
         ON d.objoid = p.oid AND d.classoid = 'pg_proc'::regclass AND d.objsubid = 0;

-- name: functions_made
-- What was made or changed since functions_before answered $1, in the same transaction. Answers:
-- functions (JSON array: oid, type, object, definition, comment), count, misplaced (one of them that
-- stands in a schema of the system; NULL: none does).
WITH made AS (
    SELECT p.oid, i.type, i.identity, pg_get_functiondef(p.oid) AS definition, d.description,
           p.pronamespace::regnamespace::text AS schema
      FROM pg_proc p
      LEFT JOIN pg_description d
             ON d.objoid = p.oid AND d.classoid = 'pg_proc'::regclass AND d.objsubid = 0
     CROSS JOIN pg_identify_object('pg_proc'::regclass, p.oid, 0) AS i
     WHERE p.prokind IN ('f', 'p', 'w')
       AND $1::jsonb ->> p.oid::text
           IS DISTINCT FROM p.xmin::text || ' ' || COALESCE(d.xmin::text, '')
)
SELECT COALESCE(jsonb_agg(jsonb_build_object('oid', oid::bigint, 'type', type, 'object', identity,
                                             'definition', definition, 'comment', description)
                          ORDER BY oid), '[]')::text AS functions,
       count(*) AS count,
       min(identity) FILTER (WHERE schema ~ '^(pg_|information_schema$)') AS misplaced
  FROM made;

-- name: functions_records
-- Undo records for what functions_made answered as $1, asked before the file runs for good: a function
-- that is not there yet is dropped by undo; one that is gets its definition and comment back, and
-- keeps owner and rights, which CREATE OR REPLACE does not touch. Answers: records (for step_keep;
-- those that are there already just so are left out), objects (the others, as text).
WITH wanted AS (
    SELECT m.type, m.object, m.definition AS new_definition, m.comment AS new_comment,
           p.oid, pg_get_functiondef(p.oid) AS definition,
           obj_description(p.oid, 'pg_proc') AS comment
      FROM jsonb_to_recordset($1::jsonb)
               AS m (oid bigint, type text, object text, definition text, comment text)
      LEFT JOIN pg_proc p ON p.oid = m.oid::oid
)
SELECT COALESCE(jsonb_agg(jsonb_build_object(
           'type', type, 'object', object, 'definition', definition,
           'statement', CASE WHEN oid IS NULL THEN format('DROP ROUTINE IF EXISTS %s', object)
                             ELSE format(E'%s;\nCOMMENT ON ROUTINE %s IS %L',
                                         rtrim(definition, E'\n'), object, comment) END,
           'alone', false) ORDER BY object), '[]')::text AS records,
       string_agg(object, ', ' ORDER BY object) AS objects
  FROM wanted
 WHERE definition IS DISTINCT FROM new_definition OR comment IS DISTINCT FROM new_comment;

-- name: functions_handover
-- New functions of $1 (as functions_made answers them) go to the owner of the plan's tables ($2: the
-- plan): the service replaces them itself later on, and only their owner may. Answers statements, none
-- where that is us already or where we may not.
WITH tables AS (
    SELECT mode() WITHIN GROUP (ORDER BY c.relowner) AS owner
      FROM jsonb_array_elements($2::jsonb -> 'tables') AS t
      JOIN pg_class c ON c.oid = to_regclass(format('%I.%I', $2::jsonb ->> 'schema', t ->> 'name'))
)
SELECT format('ALTER ROUTINE %s OWNER TO %I', f.object, r.rolname) AS statement
  FROM tables
  JOIN pg_roles r ON r.oid = tables.owner AND r.rolname <> current_user
 CROSS JOIN jsonb_to_recordset($1::jsonb) AS f (oid bigint, object text)
  JOIN pg_proc p ON p.oid = to_regprocedure(f.object) AND p.oid <> f.oid::oid
 WHERE pg_has_role(r.oid, 'MEMBER')
   AND has_schema_privilege(r.oid, p.pronamespace, 'CREATE');

-- name: functions_missing
-- Asked after the commit: which functions of $1 (as functions_made answers them) are not there, or
-- not as they should be. Answers: objects (NULL: all is well).
SELECT string_agg(f.object, ', ') AS objects
  FROM jsonb_to_recordset($1::jsonb) AS f (object text, definition text)
  LEFT JOIN pg_proc p ON p.oid = to_regprocedure(f.object)
 WHERE p.oid IS NULL OR pg_get_functiondef(p.oid) <> f.definition;
