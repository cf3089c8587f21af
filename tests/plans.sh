# plans.sh: the small plans of tests that have no sample, and the directory where they stand. Sourced
# after lib.sh.

# td_begin_plans: $work, which goes with the script; the program's state goes there, too.
td_begin_plans() {
    work=$(mktemp -d) || td_bail 'no directory could be made'
    trap 'rm -rf "$work"' EXIT
    XDG_STATE_HOME=$work/state
    export XDG_STATE_HOME
}

# td_columns_plan NAME [LINE] <REST: $work/NAME.plan, whose mapping is $work/codes.csv, with one more LINE
# for the mapping, and then what names tables and keys.
td_columns_plan() {
    {
        cat <<PLAN
[plan]
    name = $1
    kind = columns
[mapping]
    file = codes.csv
    key = org
    organization = organization
    tenant = tenant
${2:-}
[column "tenant_code"]
    type = varchar(40)
    role = tenant
[column "organization_code"]
    type = varchar(40)
    role = organization
PLAN
        cat
    } >"$work/$1.plan"
}

# td_codes_csv KEY,ORGANIZATION,TENANT...: $work/codes.csv.
td_codes_csv() {
    printf '%s\n' org,organization,tenant "$@" >"$work/codes.csv"
}

# td_cache_plan TTL <REST: $work/site.plan, of a service whose sessions live so many seconds, and then
# what names its other keys.
td_cache_plan() {
    {
        cat <<PLAN
[plan]
    name = site
    kind = cache
[keys "sessions"]
    pattern = session:{tenant}:*
    ttl = $1
PLAN
        cat
    } >"$work/site.plan"
}
