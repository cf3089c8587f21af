-- What a validation found that can be mended without deciding anything about data: what the plan says and
-- the catalog or the rows do not have any more. It is mended by the statements of the steps themselves
-- (work_columns, work_fill's settle, work_not_null, work_keys, work_indexes, work_foreign_keys), which leave
-- alone what is as it should be, and keep a record of what they change.

-- name: fix_findings
-- What the newest validation of plan $1 found wrong. Answers: run, checks (how many it asked), check_group,
-- check_name, subject, verdict, message, steps (whose statements mend it, in order, as "keys indexes"; NULL:
-- only a person can decide), undone (the first of them that has not been done; NULL: all have). No row:
-- there is no validation; one without a check_group: it found nothing wrong.
WITH newest AS (
    SELECT max(f.run) AS run
      FROM tenantdeck.finding f
      JOIN tenantdeck.step s ON s.id = f.step AND s.name = 'validate'
      JOIN tenantdeck.run r ON r.id = f.run
      JOIN tenantdeck.plan p ON p.id = r.plan AND p.name = $1
      JOIN tenantdeck.meta m ON m.generation = r.generation
), last AS (
    SELECT DISTINCT ON (f.check_group, f.check_name, f.subject) f.*
      FROM newest
      JOIN tenantdeck.finding f ON f.run = newest.run
      JOIN tenantdeck.step s ON s.id = f.step AND s.name = 'validate'
     ORDER BY f.check_group, f.check_name, f.subject, f.id DESC
), state AS (
    SELECT DISTINCT ON (s.name) s.name, s.state
      FROM tenantdeck.step s
      JOIN tenantdeck.run r ON r.id = s.run
      JOIN tenantdeck.plan p ON p.id = r.plan AND p.name = $1
      JOIN tenantdeck.meta m ON m.generation = r.generation
     WHERE r.verb <> 'fix'
     ORDER BY s.name, s.state = 'waits', s.run DESC
), asked AS (
    SELECT count(*) AS checks FROM last
), wrong AS (
    SELECT l.*, string_to_array(
               CASE WHEN l.check_name = 'columns and primary key' THEN
                    -- After release its triggers are gone for good, and step columns would make them.
                    CASE WHEN EXISTS (SELECT 1 FROM state WHERE name = 'release' AND state = 'done')
                         THEN 'not-null keys'
                         WHEN l.message LIKE '%there is no column%' THEN 'columns fill not-null keys'
                         ELSE 'columns not-null keys' END
                    WHEN l.check_name = 'indexes' THEN 'keys indexes'
                    WHEN l.check_name = 'foreign keys' THEN 'keys foreign-keys'
                    WHEN l.check_name = 'codes' THEN 'fill' END, ' ') AS steps
      FROM last l
     WHERE l.verdict IN ('fail', 'warn')
)
SELECT newest.run, asked.checks, w.check_group, w.check_name, w.subject, w.verdict, w.message,
       array_to_string(ARRAY(SELECT n.name
                               FROM unnest(w.steps) WITH ORDINALITY AS n (name, place)
                               JOIN state s ON s.name = n.name -- the plan has a use for it
                              ORDER BY n.place), ' ') AS steps,
       (SELECT n.name
          FROM unnest(w.steps) WITH ORDINALITY AS n (name, place)
          JOIN state s ON s.name = n.name AND s.state NOT IN ('done', 'skipped')
         ORDER BY n.place LIMIT 1) AS undone
  FROM newest
 CROSS JOIN asked
  LEFT JOIN wrong w ON true
 WHERE newest.run IS NOT NULL
 ORDER BY w.id;
