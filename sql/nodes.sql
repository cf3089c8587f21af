-- The nodes of a Citus cluster, for the table nodes. Nothing is changed here.

-- name: nodes_citus
-- A row a node: name (host:port), role (coordinator or worker), shards (placements on it), active (Citus
-- counts on it), reachable (asked just now; NULL: this role may not ask, or Citus is too old to). No row:
-- the database is none of Citus. A server without it knows none of its catalogs, so they are read by way
-- of query_to_xml(), which looks at a text only when it runs.
SELECT node.name, node.role, node.shards, node.active, node.reachable
  FROM (SELECT CASE
                   WHEN to_regclass('pg_catalog.pg_dist_node') IS NULL THEN NULL
                   ELSE query_to_xml(format(
                       'SELECT n.nodename || '':'' || n.nodeport AS name, '
                       'CASE WHEN n.groupid = 0 THEN ''coordinator'' ELSE ''worker'' END AS role, '
                       '(SELECT count(*) FROM pg_catalog.pg_dist_placement p '
                       'WHERE p.groupid = n.groupid) AS shards, n.isactive AS active, '
                       '%s AS reachable FROM pg_catalog.pg_dist_node n '
                       'WHERE n.noderole::text = ''primary'' ORDER BY n.groupid, 1',
                       CASE
                           WHEN may.ask THEN 'pg_catalog.citus_check_connection_to_node(n.nodename, n.nodeport)'
                           ELSE 'NULL::boolean'
                       END), true, false, '')
               END AS doc
          FROM (SELECT has_function_privilege(to_regprocedure(
                       'pg_catalog.citus_check_connection_to_node(text,integer)'), 'EXECUTE') AS ask)
               AS may) AS asked
 CROSS JOIN LATERAL xmltable('/table/row' PASSING asked.doc
                             COLUMNS name text PATH 'name',
                                     role text PATH 'role',
                                     shards bigint PATH 'shards',
                                     active boolean PATH 'active',
                                     reachable boolean PATH 'reachable[not(@*)]') AS node;
