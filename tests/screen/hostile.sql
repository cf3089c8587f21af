-- Names that try to steer a terminal, to turn the reading order, to hide, or to break a table's
-- shape; each table knows of organizations, so that the plan's coverage check must show it.
CREATE TABLE U&"\001B]0;owned\0007\001B[2Jboo" (organization_id text);
CREATE TABLE U&"\202Egnitseretni\202C" (organization_id text);
CREATE TABLE U&"zero\200Bwidth\FEFF" (organization_id text);
CREATE TABLE U&"\8868\5B9A\7FA9\30C6\30FC\30D6\30EB\306E\5E45" (organization_id text);
CREATE TABLE U&"two\000Alines\0009tab" (organization_id text);
CREATE TABLE U&"Ze\0301br\0301a \+01F993" (organization_id text);
CREATE TABLE U&"c1\009B31m" (organization_id text);
