-- What both sides of the bench begin with: the two large tables of the mentoring service as 3.2 has
-- them, :sessions sessions and :attendees attendees, with their users and organizations.
CREATE TABLE user_extensions (
    user_id varchar(255) PRIMARY KEY, designation varchar(255), organization_id varchar(255),
    created_at timestamptz, updated_at timestamptz);
INSERT INTO user_extensions
SELECT i::text, 'mentor', (1 + i % 20)::text, now(), now() FROM generate_series(1, 20000) AS i;

CREATE TABLE sessions (
    id serial PRIMARY KEY, title varchar(255) NOT NULL, description text, mentor_id varchar(255),
    status varchar(255) NOT NULL, time_zone varchar(255) NOT NULL, start_date bigint NOT NULL,
    end_date bigint NOT NULL, meta jsonb, mentor_organization_id varchar(255) NOT NULL,
    created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL, deleted_at timestamptz,
    created_by varchar(255), updated_by varchar(255), type varchar(255) NOT NULL,
    mentor_name varchar(255) NOT NULL);
INSERT INTO sessions (title, description, mentor_id, status, time_zone, start_date, end_date, meta,
                      mentor_organization_id, created_at, updated_at, created_by, updated_by, type,
                      mentor_name)
SELECT 'Session ' || i, repeat('about it ', 10), (1 + i % 20000)::text, 'PUBLISHED', 'Asia/Kolkata',
       1700000000 + i, 1700003600 + i, '{"a": 1}', (1 + i % 20)::text, now(), now(),
       (1 + i % 20000)::text, (1 + i % 20000)::text, 'PUBLIC', 'Mentor ' || i % 20000
  FROM generate_series(1, :sessions) AS i;

CREATE TABLE session_attendees (
    id serial NOT NULL, mentee_id varchar(255) NOT NULL, session_id integer NOT NULL,
    time_zone varchar(255) NOT NULL, joined_at timestamptz, left_at timestamptz,
    is_feedback_skipped boolean NOT NULL DEFAULT false, meeting_info json,
    created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL, deleted_at timestamptz,
    type varchar(255) NOT NULL DEFAULT 'ENROLLED', PRIMARY KEY (session_id, mentee_id));
INSERT INTO session_attendees (mentee_id, session_id, time_zone, joined_at, created_at, updated_at)
SELECT (1 + (1 + i % :sessions) % 20 + 20 * ((7 * (i % :sessions) + 251 * (i / :sessions)) % 1000))::text,
       1 + i % :sessions, 'Asia/Kolkata', now(), now(), now()
  FROM generate_series(1, :attendees) AS i
 ORDER BY hashint4(i); -- people enrol in no order

VACUUM (ANALYZE) user_extensions, sessions, session_attendees;
