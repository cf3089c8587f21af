#!/bin/bash
# hostile_keys: what a keyspace can hold that nobody meant it to: values that are no JSON or of another
# type than their name says, of ten megabytes, deep or binary; a set of 100,000; names with line breaks,
# escapes, globs, and bytes that are no UTF-8. Every verb answers in bounded time and memory, in words
# that any terminal can bear, and changes nothing that it was not asked for.
set -u
. "$(dirname "$0")/../lib.sh"
work=$(mktemp -d /tmp/td-hostile-XXXXXX)
trap 'rm -rf "$work"' EXIT
export HOME=$work XDG_CONFIG_HOME=$work XDG_STATE_HOME=$work
td_start_redis

python3 - >"$work/load" <<'PYTHON'
import sys
def say(*words):
    words = [w if isinstance(w, bytes) else w.encode() for w in words]
    sys.stdout.buffer.write(b'*%d\r\n' % len(words) + b''.join(b'$%d\r\n%s\r\n' % (len(w), w) for w in words))
good = '{"sessionId":"good","tenantId":"t","userId":"u","createdAt":1,"lastAccessedAt":2,"expiresAt":3}'
say('SET', 'session:t:good', good, 'EX', '900')
for name, value in {'text': '{{{', 'number': '7', 'array': '[1,2]', 'null': 'null', 'empty': '', 'bytes': b'\xff\x00\xfe',
                    'deep': '[' * 100000, 'object': '{"tenantId":{"a":[]},"userId":7,"roles":"x","expiresAt":"never"}',
                    'escape': '{"userId":"a\\u001b[2J\\r\\nb","tenantId":"t","email":"\\u202e"}',
                    'huge': '{"tenantId":"t","userId":"u","metadata":{"x":"' + 'y' * 10000000 + '"}}'}.items():
    say('SET', 'session:t:' + name, value, 'EX', '900')
say('RPUSH', 'session:t:list', *['x'] * 1000)
say('ZADD', 'session:t:zset', '1', 'x')
say('XADD', 'session:t:stream', '*', 'a', 'b')
for name in (b'\r\nEVIL', b'\x1b[2J\x07', b'*', b'[a-z]?', b'\\', b'\xff\xfe', b'', b':', b'a' * 60000, b'{}', b'\xe2\x80\xae'):
    say('SET', b'session:t:' + name, 'x', 'EX', '900')
    say('SET', b'cache:t:ns:' + name, 'x', 'EX', '900')
for tenant in (b'\xff', b'*', b'', b'\r\n'):
    say('SET', b'session:' + tenant + b':id', good, 'EX', '900')
say('SET', 'user_sessions:t:u', 'no set')
for first in range(0, 100000, 1000):
    say('SADD', 'user_sessions:t:crowd', *['sess_%d' % n for n in range(first, first + 1000)])
say('HSET', 'session_activity:t:good', 'a', 'b')
say('SET', 'cache:t:ns:huge', '{"data":"' + 'z' * 10000000 + '","createdAt":1,"expiresAt":2,"version":1}', 'EX', '900')
say('SET', 'cache:t:ns:deep', '{"data":' + '{"a":' * 5000 + '1' + '}' * 5001, 'EX', '900')
say('RPUSH', 'cache:t:ns:list', 'x')
say('HSET', 'cache_tags:t:wrong', 'a', 'b')
for first in range(0, 100000, 1000):
    say('SADD', 'cache_tags:t:crowd', *['cache:t:ns:%d' % n for n in range(first, first + 1000)])
say('SADD', 'cache_tags:t:mixed', b'\xff\x00', 'cache:other:ns:1', 'cache:t:ns:huge', '', '\r\n')
say('SET', 'cache_metrics:t', 'no hash')
say('HSET', 'cache_metrics:s', 'hits', 'many', 'misss', '-1', 'sets', '9' * 30)
PYTHON
td_redis --pipe <"$work/load" >"$work/said" 2>&1
like "$(cat "$work/said")" 'errors: 0' 'such a keyspace is there'

# run PROGRAM...: as it is, and its largest memory (in MB) goes to $work/memory.
cat >"$work/run.py" <<'PYTHON'
import resource, subprocess, sys
code = subprocess.call(sys.argv[2:], stdin=subprocess.DEVNULL)
with open(sys.argv[1], 'w') as out:
    out.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024))
sys.exit(code if code >= 0 else 128 - code)
PYTHON

# bears VERB...: ends by itself, without a signal, in memory that is bounded, and in harmless letters.
bears() {
    timeout 100 python3 "$work/run.py" "$work/memory" "$TENANTDECK" -r "$TD_REDIS" -p sessions --yes "$@" >"$work/out" 2>&1
    bears_status=$?
    [ "$bears_status" -le 4 ] && [ "$(cat "$work/memory")" -lt 700 ] &&
        ! LC_ALL=C grep -qaP '[\x00-\x08\x0b-\x1f\x7f]' "$work/out" && iconv -f UTF-8 -t UTF-8 "$work/out" >"$work/same"
    ok $? "$(printf '%q ' "$@" | cut -c 1-100)" ||
        td_note "exit status $bears_status, $(cat "$work/memory") MB: $(head -c 600 "$work/out" | cat -v)"
}
before=$(td_redis DBSIZE)
bears session list
bears session list --tenant t --json
bears session check --json
for id in text null bytes deep object escape huge list stream '[a-z]?' $'\r\nEVIL' $'\xff\xfe'; do
    bears session show "$id" --tenant t
done
bears cache counts --by=tenant
bears cache counts --json --exact
bears cache keys 'session:t:*' --limit 100
bears cache keys $'*\xff*'
bears cache ttl --drift
bears cache metrics --json
for key in huge deep list $'\r\nEVIL' $'\xff\xfe'; do
    bears cache get "cache:t:ns:$key"
    bears cache peek "cache:t:ns:$key"
done
bears cache peek user_sessions:t:crowd
bears cache peek session:t:stream
bears session sweep --dry-run
bears session end --user u --tenant t --dry-run
bears cache tags wrong mixed crowd --tenant t --dry-run
bears status
is "$(td_redis DBSIZE)" "$before" 'who only looks changes nothing'

# ---- and what changes something ----

for id in text deep list; do bears session touch "$id" --tenant t; done
bears session touch escape --tenant t
bears session end --user u --tenant t
is "$(td_redis TYPE user_sessions:t:u)" string 'a key that is no set is not made one'
bears session sweep
is "$(td_redis EXISTS user_sessions:t:crowd)" 0 'a crowd of sessions that are over is swept'
bears cache tags wrong --tenant t
bears cache tags mixed crowd --tenant t
is "$(td_redis TYPE cache_tags:t:wrong)" hash 'nor is one that is no set of a tag emptied'
is "$(td_redis EXISTS cache:t:ns:huge)" 0 'what a tag named is gone'
bears cache rekey t u
bears cache clear --tenant '*' --undo-file="$work/undo"
is "$(td_redis EXISTS 'session:*:id' 'session:u:text')" 1 'a tenant of the name * is that one alone'
bears cache clear --tenant u
is "$(td_redis --no-raw KEYS 'session:u:*')" '(empty array)' 'a tenant is cleared to its end'
done_testing
