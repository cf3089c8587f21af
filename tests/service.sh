# service.sh: what the tests of the service's sessions and caches share, after lib.sh.

# td_begin_service [PORT]: a Redis of its own, and $work, which goes with the script; whoever runs it has no
# deck and no state there.
td_begin_service() {
    work=$(mktemp -d /tmp/td-test-XXXXXX) || td_bail 'no directory could be made'
    trap 'rm -rf "$work"' EXIT
    HOME=$work XDG_CONFIG_HOME=$work
    export HOME XDG_CONFIG_HOME
    td_start_redis "$@"
}

td() {
    "$TENANTDECK" -r "$TD_REDIS" -p sessions "$@"
}

# field PATH <JSON: one value of it, as in data.roles.0.
field() {
    python3 -c 'import json, sys
value = json.load(sys.stdin)
for name in sys.argv[1].split("."):
    value = value[int(name)] if isinstance(value, list) else value.get(name)
print(json.dumps(value) if isinstance(value, (dict, list)) else value)' "$1"
}

# Everything that is in Redis, but for the time that is left.
everything() {
    td_redis --raw keys '*' | sort | while IFS= read -r key; do
        printf '%s %s\n' "$key" "$(td_redis dump "$key" | md5sum)"
    done
}
