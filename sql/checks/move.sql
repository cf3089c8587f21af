-- Rows that Citus has spread, and that have other codes than the mapping says: a row's tenant is not changed
-- where it lies, since it tells the shard. Nothing is changed here; see not_null.sql for what a statement
-- named work_... takes and answers.

-- name: work_move
-- Moves the rows of each table that is spread to the tenants that they belong to, with the rows that lead to
-- them: written anew where they belong, then deleted where they were, in one transaction. A row whose
-- right tenant is not known stays where it is. $1 the plan, $2 the mode.
-- include: way.sql
-- include: codes.sql

, spread AS MATERIALIZED (
    SELECT m[1]::oid AS oid
      FROM regexp_matches(
               CASE WHEN EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')
                    THEN query_to_xml('SELECT p.logicalrelid::oid AS o FROM pg_catalog.pg_dist_partition p',
                                      false, false, '')::text END, '<o>(\d+)</o>', 'g') AS m
), asked AS MATERIALIZED (
    SELECT p.place, p.name, m.is_known, m.statement, m.tables,
           NOT m.is_known
           OR query_to_xml(format(E'SELECT 1 AS wrong FROM (%s) AS w LIMIT 1', m.wrong), false, false,
                           '')::text LIKE '%<wrong>%' AS is_wrong
      FROM move m
      JOIN planned p ON p.place = m.place
     WHERE p.oid IN (SELECT s.oid FROM spread s)
)
SELECT a.name AS unit, CASE WHEN a.is_known THEN 'move rows to their tenants' ELSE 'refused' END AS part,
       NOT a.is_wrong AS done, false AS alone, CASE WHEN a.is_known THEN a.statement END AS statement,
       CASE WHEN a.is_known
            THEN format('SHARE ROW EXCLUSIVE on %s, while they are moved: reads go on, writes wait', a.tables)
            ELSE 'a row is told by its primary key alone, and here, or in a table that leads here, there is '
                 'none' END AS takes,
       '[]' AS records
  FROM asked a
 ORDER BY (SELECT count(*) FROM piece p WHERE p.of = a.place), a.place;
