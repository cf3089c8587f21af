#!/bin/bash
# everywhere: every verb on keys does the same on one server, over TLS, in a cluster of three primaries,
# where there is no MULTI over its servers, and behind Upstash's HTTP.
set -u
. "$(dirname "$0")/../lib.sh"
. "$TD_SRCDIR/tests/cluster.sh"
. "$TD_SRCDIR/tests/redis_verbs.sh"
work=$(mktemp -d /tmp/td-test-XXXXXX)
fronts=
trap 'kill $fronts 2>/dev/null; rm -rf "$work"' EXIT
export HOME=$work XDG_CONFIG_HOME=$work
unset REDIS_HOST REDIS_PORT REDIS_PASSWORD REDIS_USERNAME REDIS_TLS REDIS_PROVIDER SSL_CERT_FILE SSL_CERT_DIR \
    UPSTASH_REDIS_REST_URL UPSTASH_REDIS_REST_TOKEN KV_REST_API_URL KV_REST_API_TOKEN http_proxy https_proxy
base=$((11000 + $$ % 9000))

openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/key.pem" -subj /CN=localhost -days 2 \
    -addext 'subjectAltName=DNS:localhost' -out "$work/cert.pem" 2>"$work/openssl.log" ||
    td_bail "no certificate: $(cat "$work/openssl.log")"
chmod 755 "$work" && chmod 644 "$work/key.pem"

# redis [COMMAND...] reaches the keys of the Redis at hand, and empties each of its servers.
ports=
redis() {
    redis-cli -c -p "${ports%% *}" "$@"
}
fresh() {
    local port
    for port in $ports; do redis-cli -p "$port" FLUSHALL; done >"$work/said"
    load_keys redis
}

# tries NAME WHAT-IT-SAYS VERB...: on the sample; a finding is as good as none.
tries() {
    local name=$1 says=$2
    shift 2
    td_said=$("${td[@]}" -p sessions "$@" </dev/null 2>&1)
    td_got=$?
    [ "$td_got" -le 1 ] && printf '%s\n' "$td_said" | grep -qE -- "$says"
    ok $? "$name: $*" || { td_note "exit status $td_got, and not: $says" && td_note "$td_said"; }
}

# all_verbs NAME PLACE COMMAND...: by the command that reaches this Redis.
all_verbs() {
    local name=$1 place=$2 says verb words file=$work/$1.keys
    shift 2
    local td=("$@")
    fresh
    tries "$name" 'removed: 2 of 2' cache clear --pattern 'cache*:t:*' --undo-file "$file" --yes
    while IFS='~' read -r _ says verb; do
        fresh
        case $verb in 'cache restore'*) redis DEL cache:t:users:1 && redis DEL cache_tags:t:a ;; esac >"$work/said"
        verb=${verb//FILE/"$file"}
        eval "words=(${verb//PLACE/"$place"})"
        tries "$name" "$says" "${words[@]}"
    done < <(redis_verbs)
    case $name in
    TLS) runs "$name: log monitor" "$@" log monitor 1 --yes ;;
    Upstash) exits 4 "$name: log monitor is refused" "$@" log monitor 1 --yes ;;
    cluster)
        exits 4 "$name: log monitor is refused" "$@" log monitor 1 --yes
        like "$td_said" 'shows what one node is sent, and not what all are' "$name: and says why"
        ;;
    esac
    [ "$name" != Upstash ] || return # where each of many commands is a request
    fresh
    for _ in 1 2 3 4 5 6; do "$@" session create --tenant 'o*1' --user u --yes; done >"$work/said"
    like "$(cat "$work/said")" 'has 6 sessions now' "$name: who has too many is told"
    like "$("$@" session check 2>&1)" 'limit \(1\)' "$name: and found"
    like "$("$@" session end --user u --tenant 'o*1' --confirm="$place" 2>&1)" '6 sessions have ended' \
        "$name: all sessions of a user end"
    is "$("$@" session list 2>&1 | grep -c sess_)" 0 "$name: none is left"
}

# meanwhile NAME PORT COMMAND...: what happens to a session between our look at it and our write. The
# server that has it lets reads through and keeps writes waiting, ours and the service's.
meanwhile() {
    local name=$1 port=$2 id key value
    shift 2
    id=$("$@" session create --tenant t --user u --yes)
    key=session:t:$id
    redis-cli -c -p "$port" PEXPIRE "$key" 1500 >"$work/said"
    port=$(redis-cli -p "$port" GET "$key" 2>&1 | sed -n 's/^MOVED .*://p' | grep . || echo "$port")
    redis-cli -p "$port" CLIENT PAUSE 2000 WRITE >"$work/said"
    exits 1 "$name: a session that ends while it is touched" "$@" session touch "$id" --tenant t --yes
    like "$td_said" 'has ended meanwhile|there is no session' "$name: stays ended"
    is "$(redis-cli -p "$port" EXISTS "$key")" 0 "$name: and is not there"
    id=$("$@" session create --tenant t --user u --yes)
    key=session:t:$id
    port=$(redis-cli -p "$port" GET "$key" 2>&1 | sed -n 's/^MOVED .*://p' | grep . || echo "$port")
    value=$(redis-cli -p "$port" GET "$key" | sed 's/^{/{"basket": 7, /')
    redis-cli -p "$port" CLIENT PAUSE 2000 WRITE >"$work/said"
    redis-cli -p "$port" SET "$key" "$value" KEEPTTL >"$work/said" &
    td_until 10 sh -c "redis-cli -p $port CLIENT LIST | grep -q 'cmd=set .*flags=b\|flags=b.*cmd=set'"
    runs "$name: a session that the service writes while it is touched" "$@" session touch "$id" --tenant t --yes
    wait $!
    is "$(redis-cli -p "$port" GET "$key" | jq -c '[.basket, .lastAccessedAt > .createdAt]')" '[7,true]' \
        "$name: keeps what the service has written, and is touched"
    "$@" session end --user u --tenant t --yes --confirm="$place" >"$work/said" 2>&1
}

# steps NAME COMMAND...: what a run does with keys: it clears, warms and looks at them.
steps() {
    local name=$1
    shift
    fresh
    redis SET tenant:north:thing:old v EX 500 >"$work/said"
    runs "$name: cache-clear" "$@" run cache-clear
    is "$(redis EXISTS tenant:north:thing:old) $(redis EXISTS other)" '0 1' "$name: removes what is the plan's"
    runs "$name: cache warm" "$@" cache warm
    is "$(redis GET tenant:north:thing:30) $(redis TTL tenant:north:thing:30 | sed 's/29[0-9]/300/')" 'value 30 300' \
        "$name: sets what is asked for"
    "$@" validate >"$work/said" 2>&1
    is "$(td_psql "SELECT verdict || ' ' || count FROM tenantdeck.finding WHERE run = (SELECT max(run) FROM tenantdeck.finding)
                     AND check_name = 'cache_ttl' AND subject = 'things'")" 'pass 30' "$name: validate counts them"
}

td_start_postgres
td_psql "CREATE TABLE public.t (id text PRIMARY KEY, org text NOT NULL, tenant_code text, v text);
         INSERT INTO public.t SELECT n, '1', 'north', 'value ' || n FROM generate_series(1, 30) AS n"
printf 'key,tenant_code\n1,north\n' >"$work/codes.csv"
echo 'SELECT tenant_code AS tenant, id, v AS value FROM :"schema".t' >"$work/warm.sql"
printf '%s\n' '[plan]' 'name = site' 'kind = columns' '[mapping]' 'file = codes.csv' 'key = key' \
    '[column "tenant_code"]' 'type = text' 'role = tenant' '[table "t"]' 'from = own org' \
    '[keys "things"]' 'pattern = tenant:{tenant}:thing:{id}' 'ttl = 600' \
    '[warm "things"]' 'file = warm.sql' 'key = tenant:{tenant}:thing:{id}' 'ttl = 300' >"$work/site.plan"
database=(-d "$TD_DATABASE" -p "$work/site.plan" --operator --yes)
runs 'the journal is made' "$TENANTDECK" "${database[@]}" journal create
td_psql "INSERT INTO tenantdeck.mapping VALUES ('site', '1', NULL, 'north');
         $(td_done_before site preflight,mapping,integrity,columns,fill,confirm,not-null,keys,indexes)"

# ---- TLS ----

TD_REDIS_OPTIONS="--tls-port $((base + 1)) --tls-cert-file $work/cert.pem --tls-key-file $work/key.pem
    --tls-ca-cert-file $work/cert.pem --tls-auth-clients no"
td_start_redis "$base"
ports=$base
is "$(redis_verbs_left_out)" '' 'no verb on keys is left out here'
all_verbs socket "$TD_REDIS_SOCKET/0" timeout 60 "$TENANTDECK" -r "$TD_REDIS"
all_verbs TLS "localhost:$((base + 1))/0" timeout 60 "$TENANTDECK" -r "rediss://localhost:$((base + 1))?cacert=$work/cert.pem"
steps TLS timeout 60 "$TENANTDECK" -r "rediss://localhost:$((base + 1))?cacert=$work/cert.pem" "${database[@]}"

# ---- Upstash, in front of the same server ----

"$TD_BUILDDIR/tests/flow/upstash" "$((base + 2))" "$TD_REDIS_SOCKET" token "$work/cert.pem" "$work/key.pem" >"$work/asked" 2>&1 &
fronts=$!
td_until 10 bash -c ": </dev/tcp/127.0.0.1/$((base + 2))" || td_bail 'the server in front of Redis does not listen'
upstash() {
    REDIS_PROVIDER=upstash UPSTASH_REDIS_REST_URL=https://localhost:$((base + 2)) UPSTASH_REDIS_REST_TOKEN=token \
        REDIS_TLS_CACERT=$work/cert.pem timeout 60 "$TENANTDECK" "$@"
}
all_verbs Upstash localhost upstash
place=localhost meanwhile Upstash "$base" upstash
steps Upstash upstash "${database[@]}"

# ---- a cluster ----

start_cluster $((base + 3)) 3
ports="$((base + 3)) $((base + 4)) $((base + 5))"
all_verbs cluster "127.0.0.1:$((base + 3))/0" timeout 60 "$TENANTDECK" -r "redis://127.0.0.1:$((base + 3))"
place=127.0.0.1:$((base + 3))/0 meanwhile cluster $((base + 3)) timeout 60 "$TENANTDECK" -r "redis://127.0.0.1:$((base + 3))"
steps cluster timeout 60 "$TENANTDECK" -r "redis://127.0.0.1:$((base + 3))" "${database[@]}"
like "$(timeout 20 "$TENANTDECK" -r "redis://127.0.0.1:$((base + 3))" cache metrics)" 'node 3' 'cluster: each primary tells its load'

done_testing
