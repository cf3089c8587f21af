#!/bin/bash
# nodes: the servers behind Redis and Citus. Citus is not in Debian, so its catalog of nodes is made
# here as it has it; what is asked of it is asked for real.
. "$(dirname "$0")/../lib.sh"
td_start_postgres
td_start_redis

nodes() {
    timeout 30 "$TENANTDECK" -d "$TD_DATABASE" -r "$TD_REDIS" -p mentoring "$@"
}

runs 'a database without Citus' nodes nodes
like "$td_said" '^/tmp/td-test-.* primary +up +0 ' 'has its Redis as the only node'
is "$(nodes --json nodes | jq '.nodes | length')" 1 'and no other'

said=$(psql -X -q -d mentoring 2>&1 <<'SQL'
SET allow_system_table_mods = on;
CREATE TABLE pg_catalog.pg_dist_node (nodeid int, groupid int, nodename text, nodeport int,
    noderole text, isactive boolean, shouldhaveshards boolean);
CREATE TABLE pg_catalog.pg_dist_placement (placementid bigint, shardid bigint, groupid int);
CREATE FUNCTION pg_catalog.citus_check_connection_to_node(nodename text, nodeport int) RETURNS boolean
    LANGUAGE sql AS $$ SELECT nodename <> 'worker2' $$;
INSERT INTO pg_dist_node VALUES (1, 0, 'coordinator', 5432, 'primary', true, false),
    (2, 1, 'worker1', 5432, 'primary', true, true), (3, 2, 'worker2', 5432, 'primary', true, true),
    (4, 3, 'worker3', 5432, 'primary', false, true), (5, 1, 'standby', 5432, 'secondary', true, true);
INSERT INTO pg_dist_placement SELECT i, i, 1 + i % 2 FROM generate_series(1, 8) AS i;
SQL
)
is "$said" '' 'the catalog of Citus'
exits 1 'with a worker that is down' nodes nodes
like "$td_said" '^coordinator:5432 +coordinator +up +0 ' 'the coordinator'
like "$td_said" '^worker1:5432 +worker +up +4 ' 'a worker with its shards'
like "$td_said" '^worker2:5432 +worker +down +4 .*s the coordinator' 'one that cannot be reached'
like "$td_said" '^worker3:5432 +worker +down .*Citus has taken' 'one out of use'
unlike "$td_said" standby 'standbys are left to their primaries'
psql -X -q -d mentoring -c "SET allow_system_table_mods = on" \
    -c 'REVOKE EXECUTE ON FUNCTION pg_catalog.citus_check_connection_to_node FROM PUBLIC' \
    -c 'CREATE ROLE looker LOGIN' -c 'GRANT SELECT ON pg_catalog.pg_dist_node, pg_catalog.pg_dist_placement TO looker'
said=$(timeout 30 "$TENANTDECK" -d "${TD_DATABASE/postgres@/looker@}" -p mentoring nodes 2>&1)
like "$said" '^worker2:5432 +worker +up +4 ' 'a role that may not ask takes what Citus says'

done_testing
