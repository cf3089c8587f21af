#!/bin/bash
# drill: what belongs to one tenant, and one key of Redis, looked at without a trace.
. "$(dirname "$0")/../lib.sh"

work=$(mktemp -d /tmp/drill.XXXXXX)
trap 'rm -rf "$work"' EXIT
cp "$TENANTDECK_DATADIR"/plans/mentoring* "$work"
td_start_postgres
td_start_redis
td_load_demo 0.1
td_psql "SELECT 'organization_id,organization_code,tenant_code'
         UNION ALL SELECT organization_id || ',org_' || organization_id || ',tenant_' ||
                (organization_id::bigint % 3) FROM organization_extension" >"$work/data_codes.csv"

td_redis SET sessions:org_1:x v EX 100 >/dev/null
td_redis SET sessions:org_4:y v EX 100 >/dev/null

run() {
    (cd "$work" && "$TENANTDECK" -d "$TD_DATABASE" -r "$TD_REDIS" -p ./mentoring.plan "$@" </dev/null 2>&1)
}

exits 0 'a tenant is shown' run tenant show tenant_1 --exact
like "$td_said" '^tenant +tenant_1$' 'by its code'
like "$td_said" '^Its rows per table' 'with its rows per table'
like "$td_said" '^Its keys in Redis per template' 'and its keys per template'
said=$(run tenant show tenant_1 --exact --json)
is "$(jq '.rows_exact and .rows == ([.tables[]] | add) and .keys == ([.keys_by_template[]] | add)' <<<"$said")" true \
    'sums agree with their parts'
is "$(jq .rows <<<"$said")" "$(run tenant list --exact --json | jq '.tenants[] | select(.tenant == "tenant_1").rows')" \
    'and with the list of tenants'
exits 2 'a tenant that nobody knows' run tenant show nobody
like "$td_said" "no tenant 'nobody'" 'is told to be none'

hostile=$(printf 'k\033]52;c;eA==\007')
td_redis SET "$hostile" "$(printf 'v\033[31m\342\200\256')" EX 1000 >/dev/null
exits 0 'one key is shown' run cache peek "$hostile"
unlike "$td_said" $'\x1b|\x07|\xe2\x80\xae' 'harmlessly'
like "$td_said" '^type    string$' 'with its type'
like "$td_said" '^ttl     (1000|99[0-9]) s$' 'its time to live'
td_redis HSET h a 1 b 2 >/dev/null
td_redis RPUSH l $(seq 100) >/dev/null
td_redis ZADD z 1 one 2 two >/dev/null
td_redis SADD s x >/dev/null
td_redis XADD st '*' f v >/dev/null
is "$(run cache peek h --json | jq -c '[.type, .size, .ttl_ms]')" '["hash",2,null]' 'a hash'
is "$(run cache peek l --json | jq -c '[.size, (.value | length)]')" '[100,20]' 'a list, and only its beginning'
is "$(run cache peek z --json | jq -c '.value')" '["one","1","two","2"]' 'a sorted set'
like "$(run cache peek s)" '^  x$' 'a set'
td_redis SADD many $(seq 30) >"$work/made"
is "$(run cache peek many | grep -cE '^  [0-9]+$')" 20 'of one that the server hands out whole, the first 20'
exits 0 'a stream' run cache peek st
like "$(run cache peek h)" '^ttl     none: it never expires$' 'what has no end is said to have none'
is "$(run cache peek h --json | jq -c .endless)" true 'in JSON, too'
td_redis ACL SETUSER default -pttl >/dev/null
like "$(run cache peek h)" '^ttl     not known$' 'but not where nobody may ask for it'
is "$(run cache peek h --json | jq -c '[.ttl_ms, .endless]')" '[null,null]' 'nor in JSON'
td_redis ACL SETUSER default +pttl >/dev/null
td_redis EVAL "redis.call('SET', 'nul', 'a\\0b')" 0 >/dev/null
is "$(run cache peek nul --json | jq -c '[.size, .value]')" '[3,"a\u0000b"]' 'a value does not end at a NUL'
td_redis DEL nul >/dev/null
exits 1 'what is not there' run cache peek none-such
is "$(td_redis exists none-such)" 0 'is not made by looking'

cat >"$work/drill.script" <<'END'
settle
key 3 z
settle
key Enter
wait rows in 23 tables
key Esc 5
wait counted
key Enter
wait Enter show
key Esc :
type cache peek h
key Enter
wait exit 0
expect hash
END
exits 0 'the console shows all of it, one below the other' run --size 100x70 --script "$work/drill.script"

done_testing
