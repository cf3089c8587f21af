#!/bin/bash
# sessions: the service's sessions in Redis are looked at without a trace, begun, used and ended in the
# service's own shape, and what is wrong with them is found. Ids and values of the nastiest kind.
set -u
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../service.sh"

td_begin_service
place=$TD_REDIS_SOCKET/0

# ---- begin ----

id=$(td session create --tenant org_1 --user 'auth0|u1' --email a@example.org --name 'Ann' --roles admin,hr \
    --permissions manage_users --address 192.168.1.1 --agent 'Mozilla/5.0 (X11)' \
    --metadata '{"feature":"dashboard","refreshToken":"canary-1"}' --yes)
is $? 0 'a session is made'
like "$id" '^sess_[0-9]{13}_[0-9a-z]{9}$' 'its id is as the service makes them'
td_redis get "session:org_1:$id" >"$work/value"
is "$(field userId <"$work/value") $(field tenantId <"$work/value") $(field roles <"$work/value")" \
    'auth0|u1 org_1 ["admin", "hr"]' 'it says whose it is'
is "$(field sessionId <"$work/value") $(field metadata.ipAddress <"$work/value")" "$id 192.168.1.1" \
    'and where the user came from'
is "$(td_redis smembers 'user_sessions:org_1:auth0|u1')" "$id" 'it is in the set of its user'
like "$(td_redis zrange "session_activity:org_1:$id" 0 -1)" '^[0-9]+:created$' 'its log has begun'
for key in "session:org_1:$id" 'user_sessions:org_1:auth0|u1' "session_activity:org_1:$id"; do
    ttl=$(td_redis ttl "$key")
    [ "$ttl" -gt 86300 ] && [ "$ttl" -le 86400 ]
    ok $? "the plan's 24 hours are given to ${key%%:*}"
done
printf '[plan]\nname = week\nkind = cache\n[sessions]\nper user = 1\n[keys "s"]\npattern = session:{tenant}:*\nttl = 604800\n' \
    >"$work/week.plan"
week=$("$TENANTDECK" -r "$TD_REDIS" -p "$work/week.plan" session create --tenant org_1 --user 'auth0|u1' --yes)
is "$(td_redis ttl "session:org_1:$(head -n 1 <<<"$week")")" 604800 'another plan gives seven days'
like "$week" 'has 2 sessions now, and the plan allows 1' 'and says that the user has too many under it'
is "$(td_redis ttl 'user_sessions:org_1:auth0|u1')" 604800 'the set lives as long as the longest of its sessions'
exits 4 'without a yes nothing is made' td session create --tenant org_1 --user u2
exits 2 'a tenant with a colon is refused' td session create --tenant a:b --user u2 --yes
exits 2 'metadata that is no object is refused' td session create --tenant a --user u --metadata '[1]' --yes
exits 2 'bytes that are no UTF-8 are refused' td session create --tenant a --user $'\xff' --yes
is "$(td_redis keys '*:a:*')" '' 'and nothing was written'

# ---- look: nothing changes ----

td_redis expire "session:org_1:$id" 500 >/dev/null
td_redis expire 'user_sessions:org_1:auth0|u1' 400 >/dev/null
before=$(everything)
like "$(td session list)" "org_1 .*auth0\\|u1 .*$id" 'the list has it'
is "$(td session list --tenant org_1 --user 'auth0|u1' --json | field count)" 2 'and both of the user'
is "$(td session list --tenant 'org_*' --json | field count)" 0 'a star in a tenant is a star'
is "$(td session list --limit 1 --json | field count) $(td session list --limit 1 --json | field shown)" '2 1' \
    'a list that is cut says how many there are'
shown=$(td session show "$id")
like "$shown" '"refreshToken": "\*{8}"' 'secrets are masked'
unlike "$shown" canary-1 'all of them'
like "$shown" 'address +192.168.1.1' 'the rest is shown'
like "$(td session show "$id" --reveal)" canary-1 'unless they are asked for'
unlike "$(td session show "$id" --json)" canary-1 'in JSON, too'
exits 1 'what is not there is an error' td session show sess_none
like "$td_said" "'session list' shows" 'that says what to do'
runs 'a check finds nothing wrong' td session check
is "$(everything)" "$before" 'nothing was written by all this'
[ "$(td_redis ttl "session:org_1:$id")" -le 500 ] && [ "$(td_redis ttl 'user_sessions:org_1:auth0|u1')" -le 400 ]
ok $? 'and no time was given to anything'

# ---- use ----

td_redis set "session:org_1:$id" '{"tenantId":"org_1","userId":"auth0|u1","lastActivity":5,"nested":{"b":[1,2.5,null],"a":"\u00e9"},"lastAccessedAt":5}' EX 100 >/dev/null
runs 'a session is touched' td session touch "$id" --agent curl/8 --metadata '{"page":"profile"}' --yes
exits 2 'metadata that are no object' td session touch "$id" --metadata 7 --yes
td_redis get "session:org_1:$id" >"$work/value"
is "$(field nested <"$work/value") $(field metadata.userAgent <"$work/value")" \
    '{"b": [1, 2.5, null], "a": "\u00e9"} curl/8' 'what it held stays, the agent is new'
is "$(field metadata.page <"$work/value")" profile 'and so are the metadata that were given'
[ "$(field lastActivity <"$work/value")" -gt 5 ] && [ "$(field lastAccessedAt <"$work/value")" -gt 5 ]
ok $? 'it was used just now, by both names'
[ "$(td_redis ttl "session:org_1:$id")" -gt 86300 ] && [ "$(td_redis ttl 'user_sessions:org_1:auth0|u1')" -gt 86300 ]
ok $? 'it and the set of its user have their whole time again'
drift=$(($(field expiresAt <"$work/value") - $(td_redis pexpiretime "session:org_1:$id")))
[ "${drift#-}" -lt 2000 ]
ok $? 'expiresAt is when its key expires'
td_redis expire "session:org_1:$id" 700000 >/dev/null
td session touch "$id" --yes >/dev/null
[ "$(td_redis ttl "session:org_1:$id")" -gt 600000 ]
ok $? 'a session is never made shorter by a touch'
printf '[plan]\nname = f\nkind = cache\n[sessions]\nsliding = false\n' >"$work/f.plan"
td_redis expire "session:org_1:$id" 100 >/dev/null
"$TENANTDECK" -r "$TD_REDIS" -p "$work/f.plan" session touch "$id" --yes >/dev/null
[ "$(td_redis ttl "session:org_1:$id")" -le 100 ]
ok $? 'under sliding = false it keeps its end'
td_redis set session:org_1:broken '{"userId":' EX 100 >/dev/null
exits 4 'what is no JSON is left as it is' td session touch broken --yes
is "$(td_redis get session:org_1:broken)" '{"userId":' 'byte for byte'
td_redis del session:org_1:broken >/dev/null

# ---- what is wrong ----

now=$(($(date +%s) * 1000))
put() { # KEY TTL JSON
    td_redis set "$1" "$3" EX "$2" >/dev/null
}
td_redis flushall >/dev/null
put session:org_1:leak 80000 '{"tenantId":"org_2","userId":"u9","sessionId":"leak"}'
put session:org_1:drift 80000 "{\"tenantId\":\"org_1\",\"userId\":\"u8\",\"sessionId\":\"drift\",\"expiresAt\":$((now + 604800000))}"
td_redis set session:org_1:endless '{"tenantId":"org_1","userId":17}' >/dev/null
td_redis sadd user_sessions:org_1:u8 drift gone-1 gone-2 >/dev/null
td_redis sadd user_sessions:org_1:u7 gone-3 >/dev/null
td_redis set user_sessions:org_1:odd text >/dev/null
td_redis rpush session:org_1:alist a >/dev/null
printf 'SET "session:org_1:nul\\x00inside" x EX 1000\n' | td_redis >/dev/null
printf 'SET "session:org_1:\\x1b[2Jwipe" "{\\"tenantId\\":\\"\\\\u001b[31m\\"}" EX 1000\n' | td_redis >/dev/null
for n in 1 2 3 4 5 6; do
    put "session:org_2:s$n" 80000 '{"tenantId":"org_2","userId":"many"}'
    td_redis sadd user_sessions:org_2:many "s$n" >/dev/null
done
found=$(td session check)
is $? 1 'a leak is a failure'
for wanted in "fail +sessions +tenant \(2\)" "leak of tenant org_1 says tenantId 'org_2'" 'fail +sessions +expiry \(2\)' \
    'endless of tenant org_1' 'fail +sessions +types' 'warn +sessions +value' 'warn +sessions +expiresAt \(1\)' \
    'drift of tenant org_1 says .* later' 'warn +sessions +limit \(1\)' 'user many of tenant org_2' \
    'warn +sessions +members \(3\)' 'gone-1 in user_sessions:org_1:u8' 'warn +sessions +empty sets \(1\)' \
    'warn +sessions +sets \(2\)' 'endless of user 17 of tenant org_1'; do
    like "$found" "$wanted" "it finds: $wanted"
done
unlike "$found$(td session list)" $'\x1b' 'no escape reaches the terminal'
like "$(td session check --tenant org_2)" '3? ?warn' 'one tenant can be looked at alone'
exits 0 'whose sessions are its own' td session check --tenant org_2
like "$(td session list --tenant org_1)" "leak .*says" 'the list shows the leak'

before=$(everything)
like "$(td session sweep --dry-run)" '3 members of 2 sets' 'a dry sweep counts'
is "$(everything)" "$before" 'and changes nothing'
like "$(td session sweep --yes)" '3 members were taken out of 2 sets' 'a sweep takes out what is over'
is "$(td_redis smembers user_sessions:org_1:u8) $(td_redis exists user_sessions:org_1:u7)" 'drift 0' \
    'and leaves what is there'
is "$(td_redis get user_sessions:org_1:odd)" text 'what is no set is left alone'

# ---- end ----

td_redis srem user_sessions:org_2:many s6 >/dev/null # still logged in, and in no set
put session:org_2:stranger 80000 '{"tenantId":"org_2","userId":"other"}'
td_redis sadd user_sessions:org_2:many stranger over >/dev/null
put session:org_1:s1 80000 '{"tenantId":"org_1","userId":"many"}'
exits 4 'to end sessions takes the name of the Redis' td session end --user many --tenant org_2 --yes
exits 4 'the right one' td session end --user many --tenant org_2 --confirm=localhost:6379/0
like "$td_said" "the Redis is '$place'" 'which is told'
is "$(td_redis exists session:org_2:s1)" 1 'nothing has ended'
exits 2 'a user without a tenant is refused' td session end --user many --confirm="$place"
like "$(td session end --user many --tenant org_2 --dry-run)" '6 sessions will end' 'a dry run tells'
said=$(td session end --user many --tenant org_2 --confirm="$place")
is $? 1 'what says it is somebody else'\''s is a finding'
like "$said" '6 sessions have ended' 'all sessions of a user end, with the one that is in no set'
is "$(td_redis keys 'session:org_2:s[0-9]')" '' 'they are gone'
is "$(td_redis smembers user_sessions:org_2:many)" stranger 'the set keeps only the stranger'
is "$(td_redis exists session:org_1:s1 session:org_2:stranger)" 2 'another tenant'\''s user of that id is not touched'
exits 4 'an id in two tenants has to say which' sh -c "redis-cli -s '$TD_REDIS_SOCKET' set session:org_3:s1 '{}' EX 99 >/dev/null
    '$TENANTDECK' -r '$TD_REDIS' -p sessions session end s1 --confirm='$place'"
like "$td_said" 'org_1, org_3|org_3, org_1' 'and is told both'
td_redis sadd user_sessions:org_1:many s1 another >/dev/null
td_redis zadd session_activity:org_1:s1 1 1:created >/dev/null
runs 'one session is ended' td session end s1 --tenant org_1 --confirm="$place"
is "$(td_redis smembers user_sessions:org_1:many) $(td_redis exists session_activity:org_1:s1)" 'another 0' \
    'its user has it no more, and its log is gone'
is "$(td_redis exists session:org_1:s1 session:org_3:s1)" 1 'and only that one'
runs 'also one that nobody can read' td session end alist --tenant org_1 --confirm="$place"
exits 1 'what has ended cannot end again' td session end s1 --tenant org_1 --confirm="$place"

# ---- a race with the service, and no plan at all ----

td_redis -r -1 set session:org_1:busy '{"userId":"u","tenantId":"org_1"}' EX 999 >"$work/writer" 2>&1 &
writer=$!
# Sooner or later the service writes between the end and the look at what it has come to.
written_again() {
    td session end busy --tenant org_1 --confirm="$place" >"$work/again" 2>&1
    [ $? -eq 1 ] && grep -q 'there again: the service has written it' "$work/again"
}
td_until 30 written_again
ok $? 'a session that the service writes again has not ended'
kill "$writer"
wait "$writer" 2>/dev/null

id=$(td session create --tenant r --user u --yes)
(
    for n in $(seq 1 300); do
        td_redis set "session:r:$id" "{\"userId\":\"u\",\"tenantId\":\"r\",\"n\":$n}" EX 999
    done
) >/dev/null &
writer=$!
for _ in 1 2 3 4 5 6 7 8; do
    td session touch "$id" --yes >/dev/null 2>&1
done
wait $writer
is "$(td_redis get "session:r:$id" | field n)" 300 'a touch never brings back what the service has replaced'

# A server that takes no end for a change, and a session that ends between the look at it and the write.
timeout 120 python3 -c 'import socket, sys, threading
real, here = sys.argv[1:]
def connect():
    made = socket.socket(socket.AF_UNIX)
    made.connect(real)
    return made
def back(server, client):
    while answer := server.recv(65536):
        client.sendall(answer)
def serve(client):
    server = connect()
    threading.Thread(target=back, args=(server, client), daemon=True).start()
    while said := client.recv(65536):
        if b"MULTI" in said:
            other = connect()
            other.sendall(b"DEL session:r:brief\r\n")
            other.recv(64)
        server.sendall(said.replace(b"$5\r\nWATCH\r\n", b"$4\r\nECHO\r\n"))
door = socket.socket(socket.AF_UNIX)
door.bind(here)
door.listen()
while True:
    threading.Thread(target=serve, args=(door.accept()[0],), daemon=True).start()' \
    "$TD_REDIS_SOCKET" "$work/door" >"$work/door.log" 2>&1 &
door=$!
td_until 20 redis-cli -s "$work/door" ping || td_bail "the door is not open: $(cat "$work/door.log")"
put session:r:brief 900 '{"userId":"w","tenantId":"r"}'
exits 1 'a session that ends while it is touched' "$TENANTDECK" -r "unix://$work/door" -p sessions session touch brief --yes
like "$td_said" "the session 'brief' has ended meanwhile" 'is not said to be touched'
kill "$door"
wait "$door" 2>/dev/null
is "$(td_redis exists session:r:brief session_activity:r:brief user_sessions:r:w)" 0 \
    'nor is it made anew, or anything around it'
like "$("$TENANTDECK" -r "$TD_REDIS" session list --tenant r)" "$id" 'without a plan the guide'\''s figures hold'
exits 3 'a Redis that is away is a lost connection' "$TENANTDECK" -r unix:///tmp/td-absent.sock session list
exits 2 'and none named is said' env -u REDIS_HOST "$TENANTDECK" session list

# ---- the demo ----

chmod 755 "$work" # as root its server has another user, and that one has to get in
export TMPDIR=$work/tmp
mkdir -m 1777 "$TMPDIR" && chmod 1777 "$TMPDIR"
said=$(PGHOST=/nonexistent DATABASE_URL=postgres://nobody@nowhere/x "$TENANTDECK" demo sessions --scale 0.1 2>&1)
is $? 0 'demo sessions goes through what there is without a terminal'
for wanted in "says tenantId 'org_acme'" 'fail +sessions +expiry' 'warn +sessions +limit' 'members were taken out of' \
    'org_acme +[0-9]+ ' 'all passed' 'PING +[0-9]'; do
    like "$said" "$wanted" "and shows: $wanted"
done
unlike "$said" 'PostgreSQL|nowhere' 'it asks no database, whatever the environment names'
is "$(ls -A "$TMPDIR")" '' 'and is gone afterwards'
exits 1 'a verb runs on its sample' "$TENANTDECK" demo sessions --scale 0.1 session check
exits 2 'it brings its own Redis' "$TENANTDECK" -r "$TD_REDIS" demo sessions

done_testing
