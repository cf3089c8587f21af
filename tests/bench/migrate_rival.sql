-- What a good DBA writes by hand: one UPDATE a table, then NOT NULL, keys, indexes, foreign key,
-- VACUUM. It stops at the first error, and takes nothing back.
\set ON_ERROR_STOP on
CREATE TABLE map (organization_id varchar(255) PRIMARY KEY, organization_code varchar(255), tenant_code varchar(255));
\copy map FROM PSTDIN WITH (FORMAT csv, HEADER)
ALTER TABLE sessions ADD COLUMN tenant_code varchar(255), ADD COLUMN organization_code varchar(255);
ALTER TABLE session_attendees ADD COLUMN tenant_code varchar(255), ADD COLUMN organization_code varchar(255);
UPDATE sessions s SET tenant_code = m.tenant_code, organization_code = m.organization_code
  FROM user_extensions u JOIN map m ON m.organization_id = u.organization_id WHERE u.user_id = s.created_by;
UPDATE session_attendees a SET tenant_code = s.tenant_code, organization_code = s.organization_code
  FROM sessions s WHERE s.id = a.session_id;
ALTER TABLE sessions ALTER tenant_code SET NOT NULL, ALTER organization_code SET NOT NULL;
ALTER TABLE session_attendees ALTER tenant_code SET NOT NULL, ALTER organization_code SET NOT NULL;
ALTER TABLE sessions DROP CONSTRAINT sessions_pkey;
ALTER TABLE sessions ADD PRIMARY KEY (tenant_code, id);
ALTER TABLE session_attendees DROP CONSTRAINT session_attendees_pkey;
ALTER TABLE session_attendees ADD PRIMARY KEY (tenant_code, id);
CREATE INDEX ON sessions (tenant_code, mentor_id);
\if :few
\else
    CREATE UNIQUE INDEX ON session_attendees (tenant_code, session_id, mentee_id);
    CREATE INDEX ON sessions (tenant_code, created_by);
\endif
CREATE INDEX ON session_attendees (tenant_code, mentee_id);
ALTER TABLE session_attendees ADD FOREIGN KEY (tenant_code, session_id) REFERENCES sessions (tenant_code, id);
VACUUM (ANALYZE) sessions, session_attendees;
