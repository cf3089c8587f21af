/*
 * test_tables: every table at the widths that are promised: in a frame of 60 and of 80 columns, and
 * wide. What a person sees stands here line by line.
 */
#include "moment.h"
#include "tables.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>

static void S_check_print(enum table_id id, int width, const char *expected)
{
    struct snapshot snapshot = moment();
    struct buf out = {0};
    table_print(&out, &table_defs[id], &snapshot, NULL, width, false);
    assert_string_equal(buf_text(&out), expected);
    buf_release(&out);
}

/* A line of the screen is a line here. */
/* clang-format off */
static void test_steps_at_every_width(void **state)
{
    (void)state;
    S_check_print(TABLE_STEPS, 58,
        "Steps: fill 67 %, 800 rows/s, ~1m13s left, mean 631, 2 of…\n"
        "STEP         STATE     DOES                       PROGRESS\n"
        "preflight    ✓ done    asks whether the migratio… ████████\n"
        "columns      ✓ done    adds tenant_code and orga… ████████\n"
        "fill         ► runs    gives every row its codes… █████▍··\n"
        "foreign-keys ✗ failed  replaces the foreign keys…\n"
        "cache-clear  · waits   deletes the old keys\n"
        "cache-warm   ► runs    asks for the hottest keys  ?\n"
        "views        – skipped rebuilds the views\n"
        "keys         ← undone  makes primary keys that b…\n");
    S_check_print(TABLE_STEPS, 78,
        "Steps: fill 67 %, 800 rows/s, ~1m13s left, mean 631, 2 of 8 done, 1 undone, 1…\n"
        "STEP         STATE     DOES                         PROGRESS       DONE   TIME\n"
        "preflight    ✓ done    asks whether the migration … █████████               2s\n"
        "columns      ✓ done    adds tenant_code and organi… █████████               1s\n"
        "fill         ► runs    gives every row its codes, … ██████···   120,000  3m10s\n"
        "foreign-keys ✗ failed  replaces the foreign keys b…                         1s\n"
        "cache-clear  · waits   deletes the old keys\n"
        "cache-warm   ► runs    asks for the hottest keys    ?                 ?     1s\n"
        "views        – skipped rebuilds the views\n"
        "keys         ← undone  makes primary keys that beg…                     16m30s\n");
    S_check_print(TABLE_STEPS, 118,
        "Steps: fill 67 %, 800 rows/s, ~1m13s left, mean 631, 2 of 8 done, 1 undone, 1 skipped\n"
        "STEP         STATE     DOES                             PROGRESS        DONE        OF   "
        "ROWS/S   MEAN/S   TIME   LEFT\n"
        "preflight    ✓ done    asks whether the migration may … "
        "██████████                                           2s\n"
        "columns      ✓ done    adds tenant_code and organizati… "
        "██████████                                           1s\n"
        "fill         ► runs    gives every row its codes, in s… ██████▋···   120,000   "
        "178,412      800      631  3m10s  1m13s\n"
        "foreign-keys ✗ failed  replaces the foreign keys by "
        "on…                                                      1s\n"
        "cache-clear  · waits   deletes the old keys\n"
        "cache-warm   ► runs    asks for the hottest keys        ?                  ?         "
        "?                       1s\n"
        "views        – skipped rebuilds the views\n"
        "keys         ← undone  makes primary keys that begin w…                                                  16m30s\n");
    S_check_print(TABLE_STEPS, 158,
        "Steps: fill 67 %, 800 rows/s, ~1m13s left, mean 631, 2 of 8 done, 1 undone, 1 skipped\n"
        "STEP         STATE     TYPE    DOES                              PROGRESS         "
        "DONE        OF   ROWS/S   MEAN/S   TIME   LEFT UNDO\n"
        "preflight    ✓ done    verify  asks whether the migration may b… "
        "███████████                                           2s        nothing to undo\n"
        "columns      ✓ done    once    adds tenant_code and organizatio… "
        "███████████                                           1s        drops the columns that "
        "it ad…\n"
        "fill         ► runs    batch   gives every row its codes, in sh… ███████▍···   120,000   "
        "178,412      800      631  3m10s  1m13s sets the codes back to what …\n"
        "foreign-keys ✗ failed  once    replaces the foreign keys by "
        "one…                                                       1s        puts the old "
        "foreign keys ba…\n"
        "cache-clear  · waits   scan    deletes the old "
        "keys                                                                              "
        "nothing to undo\n"
        "cache-warm   ► runs    scan    asks for the hottest keys         ?                   "
        "?         ?                       1s        nothing to undo\n"
        "views        – skipped once    rebuilds the "
        "views                                                                                "
        "builds the old views\n"
        "keys         ← undone  once    makes primary keys that begin wi…                                                   16m30s        makes the old primary keys\n");
}

static void test_tables_at_every_width(void **state)
{
    (void)state;
    S_check_print(TABLE_TABLES, 58,
        "Tables: 8 tables, over ~1,303,818 rows, ~69 % with tenant…\n"
        "TABLE                        ROWS   MISSING     % FILLED\n"
        "availabilities              1,203     1,203     0 ········\n"
        "organization_extension         41         0   100 ████████\n"
        "user_extensions             8,000         1  99.9 ███████▉\n"
        "sessions                  ~1,235k  ~334,567   ~72 █████▊··\n"
        "session_attendees          60,000    59,997  <0.1 ▏·······\n"
        "feedbacks                       ?         ?     ? ?\n"
        "post_session_details    not there\n"
        "modules                 not there\n"
        "evil\\x1b[31m\\nname�             7         7     0 ········\n"
        "日本語テーブル                  0         0   100 ████████\n"
        "~ estimate of the server, or by batches; exact with\n"
        "`status --exact`\n");
    S_check_print(TABLE_TABLES, 78,
        "Tables: 8 tables, over ~1,303,818 rows, ~69 % with tenant, 2 not there, count…\n"
        "TABLE                        ROWS    TENANT       ORG   MISSING     % FILLED\n"
        "availabilities              1,203         -         -     1,203     0 ········\n"
        "organization_extension         41        41        41         0   100 ████████\n"
        "user_extensions             8,000     8,000     7,999         1  99.9 ███████▉\n"
        "sessions                  ~1,235k  ~900,000            ~334,567   ~72 █████▊··\n"
        "session_attendees          60,000         3              59,997  <0.1 ▏·······\n"
        "feedbacks                       ?         ?                   ?     ? ?\n"
        "post_session_details    not there\n"
        "modules                 not there\n"
        "evil\\x1b[31m\\nname�             7         -                   7     0 ········\n"
        "日本語テーブル                  0         0                   0   100 ████████\n"
        "~ estimate of the server, or by batches; exact with `status --exact`\n");
    S_check_print(TABLE_TABLES, 118,
        "Tables: 8 tables, over ~1,303,818 rows, ~69 % with tenant, 2 not there, counting 1\n"
        "TABLE                          ROWS    TENANT       ORG   MISSING     % "
        "FILLED            AGE    SIZE KEY\n"
        "availabilities                1,203         -         -     1,203     0 ············     "
        "4.0s  256 kB id, organizatio…\n"
        "organization_extension           41        41        41         0   100 ████████████     "
        "4.0s   64 kB organization_id\n"
        "user_extensions               8,000     8,000     7,999         1  99.9 ███████████▉     "
        "4.0s  9.0 MB user_id\n"
        "sessions                    ~1,235k  ~900,000            ~334,567   ~72 ████████▋···    "
        "3h20m  700 MB id\n"
        "session_attendees            60,000         3              59,997  <0.1 ▏···········    "
        "1m10s   11 MB tenant_code, id\n"
        "feedbacks                         ?         ?                   ?     ? ?            "
        "counting       ? id, user_id\n"
        "post_session_details      not there\n"
        "modules                   not there\n"
        "evil\\x1b[31m\\n"
        "name�               7         -                   7     0 ············     1.0s  8.0 kB "
        "none\n"
        "日本語テーブル                    0         0                   0   100 ████████████     1.0s  "
        "8.0 kB id\n"
        "~ estimate of the server, or by batches; exact with `status --exact`\n");
    S_check_print(TABLE_TABLES, 158,
        "Tables: 8 tables, over ~1,303,818 rows, ~69 % with tenant, 2 not there, counting 1\n"
        "TABLE                            ROWS    TENANT       ORG   MISSING     % "
        "FILLED                AGE    SIZE KEY                SOURCE                STATE\n"
        "availabilities                  1,203         -         -     1,203     0 "
        "················     4.0s  256 kB id, organization_… own organization_id   no column\n"
        "organization_extension             41        41        41         0   100 "
        "████████████████     4.0s   64 kB organization_id    own organization_id   filled\n"
        "user_extensions                 8,000     8,000     7,999         1  99.9 "
        "███████████████▉     4.0s  9.0 MB user_id            own organization_id   partly\n"
        "sessions                      ~1,235k  ~900,000            ~334,567   ~72 "
        "███████████▋····    3h20m  700 MB id                 user created_by       partly\n"
        "session_attendees              60,000         3              59,997  <0.1 "
        "▏···············    1m10s   11 MB tenant_code, id    user mentee_id        partly\n"
        "feedbacks                           ?         ?                   ?     ? "
        "?                counting       ? id, user_id        user user_id          unknown\n"
        "post_session_details        not "
        "there                                                                                          "
        "parent sessions.id b… not there\n"
        "modules                     not "
        "there                                                                                          "
        "constant              not there\n"
        "evil\\x1b[31m\\n"
        "name�                 7         -                   7     0 ················     1.0s  "
        "8.0 kB none               user id               no column\n"
        "日本語テーブル                      0         0                   0   100 ████████████████     "
        "1.0s  8.0 kB id                 user id               filled\n"
        "~ estimate of the server, or by batches; exact with `status --exact`\n");
}

static void test_tenants_at_every_width(void **state)
{
    (void)state;
    S_check_print(TABLE_TENANTS, 58,
        "Tenants: 3 tenants, 4 organizations, ~985,024 rows, 12 of…\n"
        "TENANT             ORGS      ROWS     % SHARE         KEYS\n"
        "shikshalokam          2   900,012    91 ███████▎    12,034\n"
        "default_tenant        1   ~85,000  ~8.6 ▋·······         ?\n"
        "empty                 1         0     0 ········         0\n"
        "(unmapped)                     12  <0.1 ▏·······         3\n"
        "~ not every table is counted as it is now; count with\n"
        "`status --exact`\n");
    S_check_print(TABLE_TENANTS, 78,
        "Tenants: 3 tenants, 4 organizations, ~985,024 rows, 12 of them unmapped\n"
        "TENANT                     ORGS      ROWS     % SHARE                     KEYS\n"
        "shikshalokam                  2   900,012    91 ██████████████████▎·    12,034\n"
        "default_tenant                1   ~85,000  ~8.6 █▋··················         ?\n"
        "empty                         1         0     0 ····················         0\n"
        "(unmapped)                             12  <0.1 ▏···················         3\n"
        "~ not every table is counted as it is now; count with `status --exact`\n");
    S_check_print(TABLE_TENANTS, 118,
        "Tenants: 3 tenants, 4 organizations, ~985,024 rows, 12 of them unmapped\n"
        "TENANT                          ORGS      ROWS     % SHARE                            "
        "KEYS LARGEST TABLE\n"
        "shikshalokam                       2   900,012    91 ████████████████████████▋··    "
        "12,034 sessions\n"
        "default_tenant                     1   ~85,000  ~8.6 ██▎························         "
        "?\n"
        "empty                              1         0     0 ···························         "
        "0\n"
        "(unmapped)                                  12  <0.1 ▏··························         "
        "3\n"
        "~ not every table is counted as it is now; count with `status --exact`\n");
    S_check_print(TABLE_TENANTS, 158,
        "Tenants: 3 tenants, 4 organizations, ~985,024 rows, 12 of them unmapped\n"
        "TENANT                                         ORGS      ROWS     % "
        "SHARE                                                KEYS LARGEST TABLE\n"
        "shikshalokam                                      2   900,012    91 "
        "██████████████████████████████████████████▉····    12,034 sessions\n"
        "default_tenant                                    1   ~85,000  ~8.6 "
        "████···········································         ?\n"
        "empty                                             1         0     0 "
        "···············································         0\n"
        "(unmapped)                                                 12  <0.1 "
        "▏··············································         3\n"
        "~ not every table is counted as it is now; count with `status --exact`\n");
}

static void test_validation_at_every_width(void **state)
{
    (void)state;
    S_check_print(TABLE_VALIDATION, 58,
        "Validation: 4 checks, 1 fail, 1 warn, 1 unknown, 1 pass\n"
        "VERDICT   SUBJECT                MESSAGE\n"
        "✗ fail    data_codes.csv         organization 41 stands i…\n"
        "! warn    session_attendees      12 rows name a user that…\n"
        "? unknown permissions            may not read the table\n"
        "✓ pass    sessions               the table is there with …\n");
    S_check_print(TABLE_VALIDATION, 78,
        "Validation: 4 checks, 1 fail, 1 warn, 1 unknown, 1 pass\n"
        "VERDICT   SUBJECT                    ROWS MESSAGE\n"
        "✗ fail    data_codes.csv           1,235k organization 41 stands in no row of…\n"
        "! warn    session_attendees            12 12 rows name a user that does not e…\n"
        "? unknown permissions                     may not read the table\n"
        "✓ pass    sessions                        the table is there with all columns…\n");
    S_check_print(TABLE_VALIDATION, 118,
        "Validation: 4 checks, 1 fail, 1 warn, 1 unknown, 1 pass\n"
        "VERDICT   GROUP          SUBJECT                       ROWS "
        "MESSAGE                                                AGE\n"
        "✗ fail    mapping        data_codes.csv              1,235k organization 41 stands in no "
        "row of the mapping       4.0s\n"
        "! warn    integrity      session_attendees               12 12 rows name a user that "
        "does not exist               4.0s\n"
        "? unknown plan           permissions                        may not read the table\n"
        "✓ pass    structure      sessions                           the table is there with all columns of the plan       4.0s\n");
    S_check_print(TABLE_VALIDATION, 158,
        "Validation: 4 checks, 1 fail, 1 warn, 1 unknown, 1 pass\n"
        "VERDICT   GROUP          SUBJECT                        ROWS "
        "MESSAGE                                                      AGE CHECK\n"
        "✗ fail    mapping        data_codes.csv               1,235k organization 41 stands in "
        "no row of the mapping             4.0s\n"
        "! warn    integrity      session_attendees                12 12 rows name a user that "
        "does not exist                     4.0s\n"
        "? unknown plan           permissions                         may not read the table\n"
        "✓ pass    structure      sessions                            the table is there with all columns of the plan             4.0s\n");
}

static void test_cache_at_every_width(void **state)
{
    (void)state;
    S_check_print(TABLE_CACHE, 58,
        "Cache: 1,246,645 keys, 12 without TTL, 3 over TTL, counte…\n"
        "NAME                   KEYS  NO TTL OVER TTL   TTL  MEMORY\n"
        "sessions             12,034      12        3    2h ~5.0 MB\n"
        "org                      41      41                      ?\n"
        "bull              1,234,567       ?                      ?\n"
        "(no template)             3       3                  300 B\n"
        "~ of the keys seen so far, or of a sample of them (memory)\n");
    S_check_print(TABLE_CACHE, 78,
        "Cache: 1,246,645 keys, 12 without TTL, 3 over TTL, counted 12s ago\n"
        "NAME                         KEYS  NO TTL OVER TTL   TTL  MEMORY     +/-  SEEN\n"
        "sessions                   12,034      12        3    2h ~5.0 MB   51 kB   100\n"
        "org                            41      41                      ?       ?   100\n"
        "bull                    1,234,567       ?                      ?       ?   100\n"
        "(no template)                   3       3                  300 B   exact   100\n"
        "~ of the keys seen so far, or of a sample of them (memory)\n");
    S_check_print(TABLE_CACHE, 118,
        "Cache: 1,246,645 keys, 12 without TTL, 3 over TTL, counted 12s ago\n"
        "NAME              PATTERN                             KEYS  NO TTL OVER TTL   TTL "
        "TENANTS  MEMORY     +/-  SEEN    AGE\n"
        "sessions          sessions:{org}:*                  12,034      12        3    2h      "
        "12 ~5.0 MB   51 kB   100    12s\n"
        "org               org:{id}                              41      "
        "41                              ?       ?   100    12s\n"
        "bull              bull:*                         1,234,567       "
        "?                              ?       ?   100    12s\n"
        "(no template)                                            3       "
        "3                          300 B   exact   100    12s\n"
        "~ of the keys seen so far, or of a sample of them (memory)\n");
    S_check_print(TABLE_CACHE, 158,
        "Cache: 1,246,645 keys, 12 without TTL, 3 over TTL, counted 12s ago\n"
        "NAME                        PATTERN                                                   "
        "KEYS  NO TTL OVER TTL   TTL TENANTS  MEMORY     +/-  SEEN    AGE OWNER\n"
        "sessions                    sessions:{org}:*                                        "
        "12,034      12        3    2h      12 ~5.0 MB   51 kB   100    12s plan\n"
        "org                         org:{id}                                                    "
        "41      41                              ?       ?   100    12s plan\n"
        "bull                        bull:*                                               "
        "1,234,567       ?                              ?       ?   100    12s foreign\n"
        "(no template)                                                                            "
        "3       3                          300 B   exact   100    12s nobody\n"
        "~ of the keys seen so far, or of a sample of them (memory)\n");
}

static void test_log_at_every_width(void **state)
{
    (void)state;
    S_check_print(TABLE_LOG, 58,
        "Log: 3 events, 1 error, 1 warning\n"
        "TIME     LEVEL SOURCE   TEXT\n"
        "10:11:07 info  console  connected\n"
        "10:11:08 error database deadlock detected\\nDETAIL: \\x1b]0…\n"
        "10:11:09 warn  redis    slow\n");
    S_check_print(TABLE_LOG, 78,
        "Log: 3 events, 1 error, 1 warning\n"
        "TIME     LEVEL SOURCE   TEXT\n"
        "10:11:07 info  console  connected\n"
        "10:11:08 error database deadlock detected\\nDETAIL: \\x1b]0;owned\\x07 process 1…\n"
        "10:11:09 warn  redis    slow\n");
    S_check_print(TABLE_LOG, 118,
        "Log: 3 events, 1 error, 1 warning\n"
        "TIME     LEVEL SOURCE   STEP                 TEXT\n"
        "10:11:07 info  console                       connected\n"
        "10:11:08 error database foreign-keys         deadlock detected\\n"
        "DETAIL: \\x1b]0;owned\\x07 process 12 waits for process…\n"
        "10:11:09 warn  redis                         slow\n");
    S_check_print(TABLE_LOG, 158,
        "Log: 3 events, 1 error, 1 warning\n"
        "TIME     LEVEL SOURCE   STEP                 TEXT\n"
        "10:11:07 info  console                       connected\n"
        "10:11:08 error database foreign-keys         deadlock detected\\n"
        "DETAIL: \\x1b]0;owned\\x07 process 12 waits for process 13\n"
        "10:11:09 warn  redis                         slow\n");
}
/* clang-format on */

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps_at_every_width),
        cmocka_unit_test(test_tables_at_every_width),
        cmocka_unit_test(test_tenants_at_every_width),
        cmocka_unit_test(test_validation_at_every_width),
        cmocka_unit_test(test_cache_at_every_width),
        cmocka_unit_test(test_log_at_every_width),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
