#!/bin/bash
# upstash: Redis behind HTTP, as Upstash serves it: the same verbs, the token in a header and nowhere
# else, values unchanged, and sentences for what it does not offer.
. "$(dirname "$0")/../lib.sh"
work=$(mktemp -d /tmp/td-upstash-XXXXXX)
token=canary-$$-token
fronts=
trap 'kill $fronts 2>/dev/null; rm -rf "$work"' EXIT
unset REDIS_HOST REDIS_PORT REDIS_PASSWORD REDIS_USERNAME REDIS_TLS REDIS_PROVIDER SSL_CERT_FILE SSL_CERT_DIR \
    UPSTASH_REDIS_REST_URL UPSTASH_REDIS_REST_TOKEN KV_REST_API_URL KV_REST_API_TOKEN http_proxy https_proxy

openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/key.pem" -subj /CN=localhost -days 2 \
    -addext 'subjectAltName=DNS:localhost' -out "$work/cert.pem" 2>"$work/openssl.log" ||
    td_bail "no certificate: $(cat "$work/openssl.log")"
td_start_redis
port=$((23000 + $$ % 7000))

# front PORT [ARGUMENT...]: in front of the Redis of this script.
front() {
    local at=$1
    shift
    "$TD_BUILDDIR/tests/flow/upstash" "$at" "$TD_REDIS_SOCKET" "$token" "$@" >"$work/asked.$at" 2>&1 &
    fronts="$fronts $!"
    td_until 10 bash -c ": </dev/tcp/127.0.0.1/$at" || td_bail 'the server in front of Redis does not listen'
}

front "$port" "$work/cert.pem" "$work/key.pem"
UPSTASH_PLAIN=1 front $((port + 1))
url=https://localhost:$port

# deck [NAME=VALUE...] -- ARGUMENT...: with the environment of a service that uses Upstash.
deck() {
    local names=()
    while [ "$1" != -- ]; do names+=("$1") && shift; done
    shift
    env REDIS_PROVIDER=upstash UPSTASH_REDIS_REST_URL="$url" UPSTASH_REDIS_REST_TOKEN="$token" \
        REDIS_TLS_CACERT="$work/cert.pem" "${names[@]}" timeout 30 "$TENANTDECK" "$@"
}

for i in $(seq 1 700); do echo "SET session:o$((i % 7)):k$i v EX 1000"; done | td_redis >"$work/said"
td_redis SET $'session:caf\xc3\xa9:k' $'\xff\x00' EX 1000 >"$work/said"

runs 'the names of the document lead there' deck -- -p sessions cache counts
like "$td_said" 'Cache: 701 keys' 'all keys are counted'
like "$td_said" '^sessions +session:[^ ]+ +701 .* exact +100 ' 'and told apart, as in any Redis'
unlike "$(cat "$work/asked.$port")" "$token" 'no address has the token'
like "$(cat "$work/asked.$port")" '^POST /pipeline HTTP' 'all is sent as pipelines'
[ "$(grep -c '^POST' "$work/asked.$port")" -lt 60 ]
ok $? 'many commands go together' || td_note "$(grep -c '^POST' "$work/asked.$port") requests"

# ---- the token ----

exits 3 'another token' deck UPSTASH_REDIS_REST_TOKEN=canary-wrong -- -p sessions cache counts
like "$td_said" 'localhost does not accept the token .HTTP 401.' 'is refused, in a sentence'
like "$td_said" 'hint: verify UPSTASH_REDIS_REST_TOKEN' 'with what to do'
unlike "$td_said" canary 'which does not repeat it'
exits 4 'no token' deck UPSTASH_REDIS_REST_TOKEN= -- -p sessions cache counts
like "$td_said" 'wants a token, and none is named' 'is told before anything is sent'
td_said=$(deck UPSTASH_REDIS_REST_TOKEN="ro-$token" -- -p sessions cache counts 2>&1)
like "$td_said" "user may not do this .it says: NOPERM" 'a token that may only read cannot count, and is told so'
exits 2 'a token in the address' deck -- -r "https://x:$token@localhost:$port" -p sessions cache counts
like "$td_said" 'a token does not belong into the address' 'is not taken'
unlike "$td_said" "$token" 'and not repeated'
unlike "$(deck -- env 2>&1)" "$token" 'env masks it'
like "$(deck -- env 2>&1)" '^\* UPSTASH_REDIS_REST_TOKEN .*\*{8}' 'and says that it is set'

# ---- the certificate ----

exits 3 'a certificate that nobody vouches for' deck REDIS_TLS_CACERT= -- -p sessions cache counts
like "$td_said" 'certificate is not accepted, and nothing was sent' 'is refused'
exits 3 'a certificate for another name' deck -- -r "https://127.0.0.1:$port" -p sessions cache counts
like "$td_said" 'certificate' 'is refused'
exits 2 'http:// to another machine' deck -- -r 'http://redis.example.org' -p sessions cache counts
like "$td_said" 'would show the token to the network' 'is refused'

# ---- a server that knows nothing of base64 ----

plain=http://127.0.0.1:$((port + 1))
runs 'plain strings' deck -- -r "$plain" -p sessions cache counts
like "$td_said" 'Cache: 701 keys' 'are read as what they are'

# ---- keys and values that are no UTF-8, which JSON cannot hold ----

export XDG_STATE_HOME=$work/state
td_redis SET $'session:o1:\xff\xfe\x00 /?%' v EX 900 >"$work/said"
td_redis SADD $'session:o1:set' $'\xff' >"$work/said"
runs 'a tenant with such keys is cleared' deck -- --yes -p sessions cache clear --tenant=o1 --undo-file="$work/undo"
like "$td_said" 'removed: 102 ' 'all of them'
is "$(td_redis --no-raw KEYS 'session:o1:*')" '(empty array)' 'and none is left'
like "$(grep "^POST .U" "$work/asked.$port")" "^POST .UNLINK HTTP" 'such a key goes alone, as the body of a request'
td_said=$(deck -- --yes -p sessions cache restore "$work/undo" 2>&1)
like "$td_said" '101 of 102' 'what was dumped comes back, but for the key that cannot be sent'
like "$td_said" 'no UTF-8, and does not end its command' 'which is said'
is "$(td_redis --no-raw SMEMBERS session:o1:set)" '1) "\xff"' 'with values of any bytes'
runs 'a tenant gets another code' deck -- --yes -p sessions cache rekey o1 p1
is "$(td_redis --no-raw SMEMBERS session:p1:set)" '1) "\xff"' 'with values of any bytes'

# ---- what it does not offer, and when it is away ----

like "$(deck -- --json -p sessions status 2>&1)" '"keys": ?702' 'INFO is not on offer: the keys are counted with DBSIZE'
exits 3 'a place without an Upstash' deck -- -r "http://127.0.0.1:1" -p sessions cache counts
like "$td_said" 'no answer over HTTP' 'is told'

done_testing
