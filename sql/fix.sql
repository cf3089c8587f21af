-- What a validation found that can be mended without deciding anything about data: what the plan says and
-- the catalog or the rows do not have any more. It is mended by the statements of the steps themselves
-- (work_columns, work_fill's settle, work_not_null, work_keys, work_indexes, work_foreign_keys), which leave
-- alone what is as it should be, and keep a record of what they change.

-- name: fix_findings
-- What the newest validation of plan $1 found wrong. Answers: run, checks (how many it asked), check_group,
-- check_name, subject, message. No row: there is no validation; one without a check_group: it found
-- nothing wrong.
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
)
SELECT newest.run, (SELECT count(*) FROM last) AS checks, w.check_group, w.check_name, w.subject, w.message
  FROM newest
  LEFT JOIN last w ON w.verdict IN ('fail', 'warn')
 WHERE newest.run IS NOT NULL
 ORDER BY w.id;

-- name: fix_states
-- How the steps of plan $1 stand, by their last word that no fix has spoken: one that could not mend leaves
-- the step as done as it was. Answers: name, state.
SELECT DISTINCT ON (s.name) s.name, s.state
  FROM tenantdeck.step s
  JOIN tenantdeck.run r ON r.id = s.run
  JOIN tenantdeck.plan p ON p.id = r.plan AND p.name = $1
  JOIN tenantdeck.meta m ON m.generation = r.generation
 WHERE r.verb <> 'fix'
 ORDER BY s.name, s.state = 'waits', s.run DESC;
