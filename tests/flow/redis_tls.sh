#!/bin/bash
# redis_tls: Redis over TLS. A certificate counts only when its CA is trusted, its time has come and it
# is made out to the host that was named; nothing is ever sent without; a person is told what is wrong.
. "$(dirname "$0")/../lib.sh"
work=$(mktemp -d /tmp/td-tls-XXXXXX)
trap 'rm -rf "$work"' EXIT
unset REDIS_HOST REDIS_PORT REDIS_PASSWORD REDIS_USERNAME REDIS_TLS REDIS_PROVIDER SSL_CERT_FILE SSL_CERT_DIR

# ---- certificates ----

# certificate NAME CA SUBJECT-ALT-NAME [OPTION...]: NAME.crt and NAME.key, signed by CA.
certificate() {
    local name=$1 ca=$2 san=$3
    shift 3
    openssl req -new -newkey rsa:2048 -nodes -keyout "$work/$name.key" -subj "/CN=$name" \
        -out "$work/$name.csr" 2>>"$work/openssl.log" &&
        openssl x509 -req -in "$work/$name.csr" -CA "$work/$ca.crt" -CAkey "$work/$ca.key" \
            -CAcreateserial -days 2 "$@" -out "$work/$name.crt" \
            -extfile <(echo "subjectAltName=$san") 2>>"$work/openssl.log"
}

authority() {
    openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/$1.key" -subj "/CN=$1" -days 2 \
        -out "$work/$1.crt" 2>>"$work/openssl.log"
}

authority ca && authority other && certificate good ca 'DNS:localhost,IP:127.0.0.1' &&
    certificate elsewhere ca 'DNS:redis.example.org' && certificate client ca 'DNS:client' &&
    certificate stranger other 'DNS:localhost' && certificate expired ca 'DNS:localhost' -days -1 ||
    td_bail "no certificates: $(cat "$work/openssl.log")"
chmod 755 "$work" && chmod 644 "$work"/*.key # the server runs as another user

# ---- a server with an open port and a TLS port ----

port=$((21000 + $$ % 9000)) secure=$((11000 + $$ % 9000))
TD_REDIS_OPTIONS="--tls-port $secure --tls-cert-file $work/good.crt --tls-key-file $work/good.key
    --tls-ca-cert-file $work/ca.crt --tls-auth-clients no"
td_start_redis "$port"
td_redis SET org:acme:details v EX 1000 >"$work/said"

# look URL [NAME=VALUE...]: the verb that needs Redis and nothing else.
look() {
    local url=$1
    shift
    env "$@" timeout 20 "$TENANTDECK" -d 'host=/nonexistent' -r "$url" -p mentoring cache counts
}

serve() {
    td_redis CONFIG SET tls-cert-file "$work/$1.crt" tls-key-file "$work/$1.key" >"$work/said"
}

ca="cacert=$work/ca.crt"
runs 'a name that the certificate has' look "rediss://localhost:$secure/0?$ca"
like "$td_said" 'Cache: 1 key' 'is served'
runs 'and an address' look "rediss://127.0.0.1:$secure?$ca"
runs 'and the certificates of the system' look "rediss://localhost:$secure" SSL_CERT_FILE="$work/ca.crt"
exits 3 'a CA that nobody here knows' look "rediss://localhost:$secure"
like "$td_said" 'certificate of Redis at localhost:.* is not accepted: .*certificate.*; nothing was sent' 'is told'
like "$td_said" 'hint: its CA is not known here: .*cacert=FILE' 'with what to do'
mkdir "$work/cas" && cp "$work/ca.crt" "$work/cas" && openssl rehash "$work/cas"
runs 'a directory of CAs' look "rediss://localhost:$secure?cacert=$work/cas"
exits 3 'a CA file that is not there' look "rediss://localhost:$secure?cacert=$work/none.crt"
like "$td_said" "cannot be read from '$work/none.crt'" 'is told'

serve elsewhere
exits 3 'a certificate for another name' look "rediss://localhost:$secure?$ca"
like "$td_said" 'is not accepted: .*hostname mismatch.*; nothing was sent' 'is refused'
like "$td_said" "not made out to 'localhost': .*[?]sni=NAME" 'and told what to do'
printf '%s\n' settle 'wait Redis down: certificate: ' 'expect mismatch' 'key 8' 'expect sni=NAME' >"$work/script"
runs 'a console says so, too' timeout 20 "$TENANTDECK" -r "rediss://localhost:$secure?$ca" -p sessions \
    --script "$work/script" --size 100x24
runs 'which does' look "rediss://localhost:$secure?$ca&sni=redis.example.org"
exits 3 'a certificate for no address' look "rediss://127.0.0.1:$secure?$ca"
like "$td_said" 'IP address mismatch.*; nothing was sent' 'is refused, too'
serve expired
exits 3 'a certificate of yesterday' look "rediss://localhost:$secure?$ca"
like "$td_said" 'has expired' 'is refused'
serve stranger
exits 3 'a certificate of another CA' look "rediss://localhost:$secure?$ca"
serve good

# ---- one side speaks TLS, and the other does not ----

exits 3 'TLS to the open port' look "rediss://localhost:$port?$ca"
like "$td_said" 'no TLS connection to Redis' 'fails'
like "$td_said" 'hint: .*tls-port' 'and the port is suspected'
exits 3 'no TLS to the TLS port' look "redis://localhost:$secure"
like "$td_said" 'hint: .*rediss://' 'says what to write'

# ---- our own certificate ----

td_redis CONFIG SET tls-auth-clients yes >"$work/said"
exits 3 'a server that wants our certificate' look "rediss://localhost:$secure?$ca"
like "$td_said" 'wants? a certificate of ours' 'says so'
like "$td_said" 'hint: .*cert=FILE&key=FILE' 'and where to name it'
runs 'with one' look "rediss://localhost:$secure?$ca&cert=$work/client.crt&key=$work/client.key"
exits 3 'one of another CA' look "rediss://localhost:$secure?$ca&cert=$work/stranger.crt&key=$work/stranger.key"
like "$td_said" 'our certificate|certificate of ours, or another' 'is not accepted there'
exits 3 'a key that is of another certificate' \
    look "rediss://localhost:$secure?$ca&cert=$work/client.crt&key=$work/good.key"
td_redis CONFIG SET tls-auth-clients no >"$work/said"
exits 2 'certificates without TLS' look "redis://localhost:$port?$ca"
exits 2 'a switch to look away, which there is not,' look "rediss://localhost:$secure?insecure=1"

# ---- users ----

td_redis ACL SETUSER anna on '>a b&c' '~*' +@all >"$work/said"
td_redis CONFIG SET requirepass canary-1 >"$work/said"
exits 3 'a server that wants a password' look "rediss://localhost:$secure?$ca"
like "$td_said" 'wants a password and was given none .it says: NOAUTH' 'says so'
runs 'which is given' look "rediss://:canary-1@localhost:$secure?$ca"
runs 'or a user and theirs, with letters that URLs do not like' \
    look "rediss://anna:a%20b%26c@localhost:$secure?$ca"
exits 3 'a wrong one' look "rediss://anna:canary-2@localhost:$secure?$ca"
like "$td_said" 'user or password is wrong.*WRONGPASS' 'is told'
unlike "$td_said" 'canary' 'without repeating it'

done_testing
