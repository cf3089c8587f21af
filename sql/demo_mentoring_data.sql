-- The sample, second half: the rows, which come out the same for the same scale, the mapping file
-- and the Redis keys that go with them. demo_mentoring.sql says how psql runs it.

-- name: demo_mentoring_data
-- Fills the tables that demo_mentoring_schema has made, and commits. Needs the variables scale (1:
-- 20 organizations in 6 tenants, 2,000 users, 20,000 sessions, 60,000 attendees, 15,000 feedbacks)
-- and dirty (true plants the defects named at the end). Nothing is random: what looks so is a hash
-- of the row's number. An organization's tenant is the brand of its theme, and its code the slug of
-- its name; nothing else knows of tenants.

CREATE FUNCTION pg_temp.demo_pick(n bigint, salt bigint, choices bigint) RETURNS integer
LANGUAGE sql IMMUTABLE
RETURN ((hashint8extended(n, salt) & 9223372036854775807) % choices)::integer;

CREATE FUNCTION pg_temp.demo_one_of(n bigint, salt bigint, words text[]) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN words[1 + ((hashint8extended(n, salt) & 9223372036854775807) % cardinality(words))];

CREATE TEMPORARY TABLE demo_size ON COMMIT DROP AS
SELECT greatest(round(2000 * :'scale'::numeric), 200)::integer AS users,
       greatest(round(20000 * :'scale'::numeric), 400)::integer AS sessions,
       timestamptz '2024-01-01 06:00:00+00' AS began,  -- the day of the first session
       interval '730 days' AS lasted,                  -- until the last one was entered
       timestamptz '2025-12-01 06:00:00+00' AS today;  -- earlier sessions are over

-- Users are numbered by tenant, then by organization; so "somebody of the same tenant" is a range.
-- Every organization has at least 8 users, the rest goes by its share in 1000.
CREATE TEMPORARY TABLE demo_organization ON COMMIT DROP AS
WITH listed (id, name, tenant, share) AS (
    VALUES (1, 'Default Org', 'default_tenant', 20),
           (2, 'Shikshalokam', 'shikshalokam_tenant', 210),
           (4, 'Mantra Schools', 'shikshalokam_tenant', 110),
           (5, 'Bihar School Leaders', 'shikshalokam_tenant', 90),
           (6, 'Punjab Teacher Circle', 'shikshalokam_tenant', 70),
           (7, 'Karnataka Head Teachers', 'shikshalokam_tenant', 60),
           (8, 'Odisha Learning Mission', 'shikshalokam_tenant', 40),
           (9, 'Assam Mentor Network', 'shikshalokam_tenant', 20),
           (3, 'Elevate', 'elevate_tenant', 90),
           (10, 'Elevate Partners', 'elevate_tenant', 50),
           (11, 'Elevate Labs', 'elevate_tenant', 20),
           (12, 'North District Schools', 'north_schools', 60),
           (13, 'Haryana Principals Forum', 'north_schools', 30),
           (14, 'Himachal Hill Schools', 'north_schools', 15),
           (15, 'Gyan Setu', 'gyan_setu', 40),
           (16, 'Gyan Setu Youth', 'gyan_setu', 15),
           (17, 'Gyan Setu Women Leaders', 'gyan_setu', 10),
           (18, 'Open Mentors', 'open_mentors', 30),
           (19, 'Career Compass', 'open_mentors', 15),
           (20, 'Alumni Circle', 'open_mentors', 5)
), sized AS (
    SELECT listed.*, 8 + share * (size.users - 160) / 1000 AS users,
           min(id) OVER (PARTITION BY tenant) AS tenant_order
      FROM listed, pg_temp.demo_size AS size
)
SELECT id, name, tenant, users,
       sum(users) OVER (ORDER BY tenant_order, id) - users AS users_before,
       sum(users) OVER (PARTITION BY tenant) AS tenant_users,
       sum(users) OVER (ORDER BY tenant_order) - sum(users) OVER (PARTITION BY tenant)
           AS tenant_users_before
  FROM sized;

CREATE TEMPORARY TABLE demo_user ON COMMIT DROP AS
SELECT n::integer AS n, n::text AS user_id, org.id::text AS organization_id, org.tenant,
       (n - 1 - org.tenant_users_before)::integer AS place, -- in the tenant, from 0
       org.tenant_users::integer AS tenant_users,
       org.tenant_users_before::integer AS tenant_users_before,
       (n - 1 - org.users_before) % 4 = 0 AS is_mentor,
       n - 1 - org.users_before AS rank, -- in the organization; 0 is who administers it
       pg_temp.demo_one_of(n, 1, '{Aarav,Aditi,Ananya,Arjun,Asha,Bhavna,Deepak,Divya,Farhan,Gauri,
           Harish,Imran,Isha,Jaya,Kabir,Kavita,Lakshmi,Manoj,Meera,Mohan,Nandini,Neha,Nikhil,Priya,
           Rahul,Rekha,Rohan,Sana,Sanjay,Sunita,Tara,Uma,Varun,Vidya,Vikram,Zoya}')
       || ' ' || pg_temp.demo_one_of(n, 2, '{Agarwal,Banerjee,Bora,Chauhan,Das,Desai,Ghosh,Gill,
           Gowda,Gupta,Iyer,Jain,Jha,Joshi,Kaur,Khan,Kulkarni,Kumar,Mehta,Mishra,Nair,Pandey,
           Patel,Rao,Reddy,Sahoo,Sharma,Singh,Sinha,Thakur,Tripathi,Verma,Yadav}') AS name,
       size.began + size.lasted * (pg_temp.demo_pick(n, 3, 1000) / 4000.0) AS joined
  FROM pg_temp.demo_organization AS org, pg_temp.demo_size AS size,
       generate_series(org.users_before + 1, org.users_before + org.users) AS n;
ANALYZE pg_temp.demo_user;

CREATE TEMPORARY TABLE demo_mentor ON COMMIT DROP AS
SELECT (row_number() OVER (ORDER BY n) - 1)::integer AS number, demo_user.*
  FROM pg_temp.demo_user WHERE is_mentor;
ANALYZE pg_temp.demo_mentor;

INSERT INTO public.organization_extension
       (organization_id, session_visibility_policy, mentor_visibility_policy,
        external_session_visibility_policy, external_mentor_visibility_policy,
        approval_required_for, allow_mentor_override, created_at, updated_at, created_by,
        updated_by, mentee_feedback_question_set, mentor_feedback_question_set, name, theme)
SELECT org.id, 'ASSOCIATED', 'ASSOCIATED', 'CURRENT', 'CURRENT', '{}', org.id % 3 = 0,
       size.began, size.began + org.id * interval '3 days', '1', '1', 'MENTEE_QS1', 'MENTOR_QS2',
       org.name, jsonb_build_object('brand', org.tenant, 'primary', '#2f6690')
  FROM pg_temp.demo_organization AS org, pg_temp.demo_size AS size ORDER BY org.id;

INSERT INTO public.user_extensions
       (user_id, designation, area_of_expertise, education_qualification, rating, meta, stats,
        mentor_visibility, external_session_visibility, external_mentor_visibility, created_at,
        updated_at, experience, organization_id, name, email, is_mentor, settings, gender)
SELECT user_id,
       ARRAY[pg_temp.demo_one_of(n, 11, '{teacher,hm,beo,deo,cluster_head,block_lead,hr}')],
       CASE WHEN is_mentor THEN ARRAY[pg_temp.demo_one_of(n, 12,
           '{sqaa,educational_leadership,communication,math,science}')] END,
       pg_temp.demo_one_of(n, 13, '{B.Ed,M.Ed,B.Sc,M.A,D.El.Ed}'),
       CASE WHEN is_mentor THEN json_build_object('average', 3 + n % 20 / 10.0) END,
       '{}', '{}', 'ASSOCIATED', 'CURRENT', 'CURRENT', joined,
       joined + interval '1 day' * pg_temp.demo_pick(n, 14, 200), pg_temp.demo_pick(n, 15, 25),
       organization_id, name, 'user' || n || '@example.org', is_mentor, '{}',
       pg_temp.demo_one_of(n, 16, '{FEMALE,MALE,OTHER}')
  FROM pg_temp.demo_user ORDER BY n;

-- Entered one after the other over the two years, held some days later, 85 of 100 at all.
INSERT INTO public.sessions
       (id, title, description, recommended_for, categories, medium, image, mentor_id, status,
        time_zone, start_date, end_date, mentee_password, mentor_password, started_at, share_link,
        completed_at, is_feedback_skipped, mentee_feedback_question_set,
        mentor_feedback_question_set, meeting_info, meta, visibility, visible_to_organizations,
        mentor_organization_id, seats_remaining, seats_limit, created_at, updated_at, created_by,
        updated_by, type, mentor_name)
SELECT s.id,
       pg_temp.demo_one_of(s.id, 22, '{Introduction to,Questions about,Workshop on,Practice of,
           A closer look at,Stories of,Planning for}') || ' ' || s.topic,
       'An hour about ' || s.topic || ', with examples from schools and time for your questions.',
       ARRAY[pg_temp.demo_one_of(s.id, 23, '{hm,beo,deo,teacher,cluster_head}')],
       ARRAY[pg_temp.demo_one_of(s.id, 24, '{academics,leadership,technology,wellbeing}')],
       ARRAY[pg_temp.demo_one_of(s.id, 25, '{en_in,hi,kn,pa}')],
       ARRAY['session/' || s.id || '.jpg'],
       m.user_id,
       CASE WHEN s.starts >= s.today THEN 'PUBLISHED' WHEN s.held THEN 'COMPLETED'
            ELSE 'INACTIVE' END,
       'Asia/Calcutta', extract(epoch FROM s.starts), extract(epoch FROM s.starts) + 3600,
       'mentee' || pg_temp.demo_pick(s.id, 26, 1000000),
       'mentor' || pg_temp.demo_pick(s.id, 27, 1000000),
       CASE WHEN s.starts < s.today AND s.held THEN s.starts END,
       md5(s.id::text),
       CASE WHEN s.starts < s.today AND s.held THEN s.starts + interval '1 hour' END,
       s.id % 11 = 0, 'MENTEE_QS1', 'MENTOR_QS2',
       jsonb_build_object('platform', 'BigBlueButton (Default)', 'value', 'BBB'), '{}',
       'ASSOCIATED', ARRAY[m.organization_id], m.organization_id, 25 - s.id % 9, 25, s.entered,
       s.entered + interval '1 hour' * pg_temp.demo_pick(s.id, 28, 48), m.user_id, m.user_id,
       CASE WHEN s.id % 5 = 0 THEN 'PRIVATE' ELSE 'PUBLIC' END, m.name
  FROM (SELECT id, today, pg_temp.demo_pick(id, 20, 100) < 85 AS held,
               began + lasted * (id::float8 / sessions) AS entered,
               date_trunc('hour', began + lasted * (id::float8 / sessions), 'UTC')
                   + interval '6 hours' * (1 + pg_temp.demo_pick(id, 21, 80)) AS starts,
               pg_temp.demo_one_of(id, 29, '{school leadership,foundational literacy,
                   early numeracy,classroom observation,parent meetings,digital lessons,
                   project based learning,inclusive classrooms,exam anxiety,teacher wellbeing,
                   science fairs,library hours}') AS topic,
               pg_temp.demo_pick(id, 30, (SELECT count(*) FROM pg_temp.demo_mentor)) AS mentor
          FROM pg_temp.demo_size, generate_series(1, sessions) AS id) AS s
  JOIN pg_temp.demo_mentor AS m ON m.number = s.mentor
 ORDER BY s.id;

-- Three a session on average, none to eight. The mentees of a session sit next to each other in
-- their tenant: mostly in one organization, sometimes in its neighbour.
CREATE TEMPORARY TABLE demo_seat ON COMMIT DROP AS
WITH session AS MATERIALIZED ( -- so that the join is hashed, whatever is expected of the rest
    SELECT s.id, s.start_date, s.status, s.created_at, m.place, m.tenant_users,
           m.tenant_users_before
      FROM public.sessions AS s
      JOIN pg_temp.demo_mentor AS m ON m.user_id = s.mentor_id
)
SELECT row_number() OVER (ORDER BY id, seat) AS id, id AS session_id, seat, tenant_users,
       tenant_users_before, start_date, status, created_at,
       1 + tenant_users_before
         + (place + pg_temp.demo_pick(id, 41, 40)
            + seat * CASE WHEN tenant_users > 24 THEN 1 + id % 3 ELSE 1 END)
           % tenant_users AS n
  FROM session,
       generate_series(1, ('{0,1,1,2,2,3,3,4,6,8}'::integer[])[1 + id % 10]) AS seat;
ANALYZE pg_temp.demo_seat;

INSERT INTO public.session_attendees
       (mentee_id, session_id, time_zone, joined_at, left_at, is_feedback_skipped, meeting_info,
        created_at, updated_at, type)
SELECT n, session_id, 'Asia/Calcutta',
       CASE WHEN status = 'COMPLETED' THEN to_timestamp(start_date + id % 600) END,
       CASE WHEN status = 'COMPLETED' THEN to_timestamp(start_date + 3000 + id % 600) END,
       id % 13 = 0, json_build_object('value', 'BBB'),
       created_at + interval '1 minute' * (id % 900), created_at + interval '1 minute' * (id % 900),
       CASE WHEN id % 17 = 0 THEN 'INVITED' ELSE 'ENROLLED' END
  FROM pg_temp.demo_seat ORDER BY id;

INSERT INTO public.feedbacks
       (session_id, question_id, response, meta, user_id, created_at, updated_at)
SELECT session_id, 1 + id / 4 % 4, 1 + pg_temp.demo_pick(id, 51, 5), '{}', n,
       to_timestamp(start_date + 4000), to_timestamp(start_date + 4000)
  FROM pg_temp.demo_seat WHERE id % 4 = 0 ORDER BY id;

INSERT INTO public.post_session_details
       (session_id, recording, recording_url, created_at, updated_at)
SELECT id, '{}', 'https://recordings.example.org/' || id, completed_at, completed_at
  FROM public.sessions WHERE status = 'COMPLETED' AND id % 3 = 0 ORDER BY id;

INSERT INTO public.resources
       (session_id, status, name, link, type, created_by, updated_by, created_at, updated_at,
        mime_type)
SELECT id, 'ACTIVE', 'Slides of session ' || id, 'resources/' || id || '.pdf', 'pre', created_by,
       created_by, created_at, created_at, 'application/pdf'
  FROM public.sessions WHERE id % 8 = 0 ORDER BY id;

INSERT INTO public.session_ownerships (user_id, session_id, created_at, updated_at)
SELECT mentor_id, id, created_at, created_at
  FROM public.sessions WHERE id % 10 = 0 ORDER BY id;

INSERT INTO public.session_enrollments (mentee_id, session_id, created_at, updated_at)
SELECT mentee_id, session_id, created_at, created_at
  FROM public.session_attendees WHERE session_id % 10 = 3 AND type = 'ENROLLED' ORDER BY id;

-- A connection is two rows, one each way, between neighbours in the tenant.
INSERT INTO public.connections
       (user_id, friend_id, status, meta, updated_by, created_by, created_at, updated_at)
SELECT side.user_id, side.friend_id, 'ACCEPTED', '{}', u.friend, u.n,
       u.joined + interval '9 days', u.joined + interval '9 days'
  FROM (SELECT *, 1 + tenant_users_before + (place + 1) % tenant_users AS friend
          FROM pg_temp.demo_user) AS u,
       LATERAL (VALUES (u.n, u.friend), (u.friend, u.n)) AS side (user_id, friend_id)
 WHERE pg_temp.demo_pick(u.n, 61, 100) < 75
 ORDER BY u.n, side.user_id;

INSERT INTO public.connection_requests
       (user_id, friend_id, status, meta, updated_by, created_by, created_at, updated_at)
SELECT n, 1 + tenant_users_before + (place + 2) % tenant_users,
       CASE WHEN n % 5 = 0 THEN 'REJECTED' ELSE 'REQUESTED' END, '{}', n, n,
       joined + interval '12 days', joined + interval '12 days'
  FROM pg_temp.demo_user WHERE pg_temp.demo_pick(n, 62, 100) < 40 ORDER BY n;

INSERT INTO public.session_request
       (requestor_id, requestee_id, status, meta, title, agenda, start_date, end_date,
        reject_reason, updated_by, created_by, created_at, updated_at)
SELECT n, n - rank % 4,
       CASE n % 3 WHEN 0 THEN 'REQUESTED' WHEN 1 THEN 'REJECTED' ELSE 'EXPIRED' END, '{}',
       'A session for ' || name, 'Questions about my first year as a school leader.',
       extract(epoch FROM joined) + 2592000, extract(epoch FROM joined) + 2595600,
       CASE WHEN n % 3 = 1 THEN 'on leave' END, n, n,
       joined + interval '20 days', joined + interval '20 days'
  FROM pg_temp.demo_user
 WHERE NOT is_mentor AND pg_temp.demo_pick(n, 63, 100) < 50 ORDER BY n;

INSERT INTO public.session_request_mapping (requestee_id, request_session_id)
SELECT requestee_id, id FROM public.session_request ORDER BY id;

INSERT INTO public.availabilities
       (user_id, event_name, start_time, end_time, expiration_date, repeat_on, repeat_unit,
        repeat_increment, updated_by, created_by, organization_id, exceptions, created_at,
        updated_at)
SELECT user_id, 'Office hours of ' || name || ' (' || n || ')', extract(epoch FROM joined),
       extract(epoch FROM joined) + 7200, extract(epoch FROM joined) + 31536000,
       ARRAY[pg_temp.demo_one_of(n, 65, '{Monday,Tuesday,Wednesday,Thursday,Friday}')]
           ::public.enum_availabilities_repeat_on[],
       'WEEK', 1, user_id, user_id, organization_id, '{}', joined, joined
  FROM pg_temp.demo_mentor ORDER BY n;

INSERT INTO public.issues
       (user_id, description, is_email_triggered, meta_data, created_at, updated_at)
SELECT user_id, pg_temp.demo_one_of(n, 64, '{I cannot join the meeting,The certificate is missing,
           My profile shows the wrong school,The session was cancelled without a message}'),
       n % 2 = 0, '{}', joined + interval '30 days', joined + interval '30 days'
  FROM pg_temp.demo_user WHERE n % 10 = 3 ORDER BY n;

INSERT INTO public.file_uploads
       (name, input_path, status, type, output_path, organization_id, created_by, updated_by,
        created_at, updated_at)
SELECT 'sessions_' || n || '.csv', 'uploads/' || n || '/sessions.csv', 'PROCESSED',
       'session_upload', 'uploads/' || n || '/result.csv', organization_id, user_id, user_id,
       joined, joined
  FROM pg_temp.demo_mentor WHERE number % 4 = 1 ORDER BY n;

-- ---- settings: the default organization has them all, the others some of their own ----

INSERT INTO public.entity_types
       (value, label, created_by, updated_by, allow_filtering, data_type, organization_id,
        has_entities, allow_custom_entities, model_names, created_at, updated_at)
SELECT kind.value, initcap(replace(kind.value, '_', ' ')), admin.user_id, admin.user_id, true,
       'ARRAY[STRING]', org.id, true, true, ARRAY[kind.model], size.began, size.began
  FROM pg_temp.demo_size AS size,
       (VALUES (1, 'categories', 'Session'), (2, 'recommended_for', 'Session'),
               (3, 'medium', 'Session'), (4, 'designation', 'UserExtension'),
               (5, 'area_of_expertise', 'UserExtension'), (6, 'location', 'UserExtension'),
               (7, 'language', 'UserExtension'), (8, 'gender', 'UserExtension'))
           AS kind (number, value, model),
       pg_temp.demo_organization AS org
  JOIN pg_temp.demo_user AS admin ON admin.organization_id = org.id::text AND admin.rank = 0
 WHERE org.id = 1 OR kind.number <= 3
 ORDER BY org.id, kind.number;

-- The service's own seed has '0' as the creator; organizations add theirs by hand.
INSERT INTO public.entities
       (entity_type_id, value, label, type, created_by, updated_by, created_at, updated_at)
SELECT kind.id, kind.value || '_' || n, initcap(replace(kind.value, '_', ' ')) || ' ' || n,
       'SYSTEM', creator.id, creator.id, kind.created_at, kind.created_at
  FROM public.entity_types AS kind, generate_series(1, 12) AS n,
       LATERAL (SELECT CASE kind.organization_id WHEN '1' THEN '0' ELSE kind.created_by END)
           AS creator (id)
 WHERE kind.organization_id = '1' OR n <= 6
 ORDER BY kind.id, n;

INSERT INTO public.default_rules
       (type, target_field, is_target_from_sessions_mentor, requester_field, operator,
        organization_id, created_by, updated_by, created_at, updated_at)
SELECT rule.type, rule.field, rule.type = 'session', rule.field, 'equals', org.id, '1', '1',
       size.began, size.began
  FROM pg_temp.demo_size AS size, pg_temp.demo_organization AS org,
       (VALUES ('session', 'designation'), ('mentor', 'organization_id')) AS rule (type, field)
 ORDER BY org.id, rule.type DESC;

INSERT INTO public.forms
       (type, sub_type, data, version, created_at, updated_at, organization_id)
SELECT form.type, form.type || 'Form', json_build_object('fields', json_build_array(form.type)),
       org.id % 4, size.began, size.began, org.id
  FROM pg_temp.demo_size AS size, pg_temp.demo_organization AS org,
       (VALUES (1, 'session'), (2, 'editProfile'), (3, 'platformApp'), (4, 'helpVideos'),
               (5, 'termsAndConditions'), (6, 'faq'), (7, 'sampleCsvDownload'), (8, 'homeScreen'),
               (9, 'mentorQuestionnaire'), (10, 'managersSession')) AS form (number, type)
 WHERE org.id = 1 OR form.number <= 2 + org.id % 3
 ORDER BY org.id, form.number;

INSERT INTO public.notification_templates
       (type, code, subject, body, status, email_header, email_footer, organization_id, created_by,
        updated_by, created_at, updated_at)
SELECT 'email', mail.code, initcap(replace(mail.code, '_', ' ')),
       '<div><p>Dear {name},</p><p>we write about {sessionTitle}.</p></div>', 'ACTIVE',
       'email_header', 'email_footer', org.id, '0', '0', size.began, size.began
  FROM pg_temp.demo_size AS size, pg_temp.demo_organization AS org,
       (VALUES (1, 'mentee_session_reminder'), (2, 'mentor_session_reminder'),
               (3, 'mentee_session_enrollment'), (4, 'mentor_session_delete'),
               (5, 'mentee_session_cancel'), (6, 'mentor_session_reschedule'),
               (7, 'user_issue_reported'), (8, 'mentor_one_hour_before'),
               (9, 'connection_request'), (10, 'connection_accepted'),
               (11, 'session_request'), (12, 'session_request_rejected')) AS mail (number, code)
 WHERE org.id = 1 OR mail.number <= org.id % 4
 ORDER BY org.id, mail.number;

INSERT INTO public.report_types (title, created_at, updated_at)
SELECT title, began, began
  FROM pg_temp.demo_size, unnest('{mentee,mentor,session_manager}'::text[]) AS title;

INSERT INTO public.reports
       (code, title, description, report_type_title, config, organization_id, created_at,
        updated_at)
SELECT report.code, initcap(replace(report.code, '_', ' ')), 'Counted afresh at every request.',
       report.kind, jsonb_build_object('chart', 'bar'), org.id, size.began, size.began
  FROM pg_temp.demo_size AS size, pg_temp.demo_organization AS org,
       (VALUES (1, 'total_number_of_sessions_attended', 'mentee'),
               (2, 'split_of_sessions_attended', 'mentee'),
               (3, 'mentee_session_details', 'mentee'),
               (4, 'total_number_of_sessions_conducted', 'mentor'),
               (5, 'split_of_sessions_conducted', 'mentor'),
               (6, 'mentor_session_details', 'mentor'),
               (7, 'total_hours_of_learning', 'session_manager'),
               (8, 'session_manager_session_details', 'session_manager'))
           AS report (number, code, kind)
 WHERE org.id = 1 OR (org.id % 5 = 0 AND report.number <= 4)
 ORDER BY org.id, report.number;

INSERT INTO public.report_queries (report_code, query, organization_id, created_at, updated_at)
SELECT code, 'SELECT count(*) FROM public.sessions WHERE created_by = :userId', organization_id,
       created_at, created_at
  FROM public.reports ORDER BY id;

INSERT INTO public.report_role_mapping (report_code, role_title, created_at, updated_at)
SELECT code, report_type_title, created_at, created_at
  FROM public.reports WHERE organization_id = '1' ORDER BY id;

INSERT INTO public.role_extensions (title, label, scope, organization_id, created_at, updated_at)
SELECT role.title, initcap(replace(role.title, '_', ' ')), role.scope, role.org, began, began
  FROM pg_temp.demo_size,
       (VALUES (1, 'mentee', 'PUBLIC', 1), (2, 'mentor', 'PUBLIC', 1),
               (3, 'session_manager', 'PUBLIC', 1), (4, 'org_admin', 'PRIVATE', 1),
               (5, 'report_admin', 'PRIVATE', 1), (6, 'system_admin', 'PRIVATE', 1),
               (7, 'block_resource_person', 'PUBLIC', 2), (8, 'alumni_guide', 'PUBLIC', 20))
           AS role (number, title, scope, org)
 ORDER BY role.number;

INSERT INTO public.questions
       (name, question, type, no_of_stars, status, category, created_at, updated_at, created_by,
        updated_by)
SELECT 'question_' || q.number, q.asked, 'rating', 5, 'PUBLISHED',
       json_build_object('evaluating', q.about), began, began, '1', '1'
  FROM pg_temp.demo_size,
       (VALUES (1, 'How would you rate the mentor?', 'mentor'),
               (2, 'Was the topic useful in your school?', 'topic'),
               (3, 'How good was the sound and the picture?', 'meeting'),
               (4, 'Would you recommend the session?', 'session'),
               (5, 'How well were the mentees prepared?', 'mentee'),
               (6, 'How lively was the discussion?', 'session'),
               (7, 'Was the time enough?', 'session'),
               (8, 'How easy was the platform?', 'meeting')) AS q (number, asked, about)
 ORDER BY q.number;

INSERT INTO public.question_sets
       (questions, code, status, created_at, updated_at, created_by, updated_by)
SELECT listed.questions::text[], listed.code, 'PUBLISHED', began, began, '1', '1'
  FROM pg_temp.demo_size,
       (VALUES ('{1,2,3,4}', 'MENTEE_QS1'), ('{5,6,7,8}', 'MENTOR_QS2'))
           AS listed (questions, code);

INSERT INTO public.modules (code, status, created_at, updated_at)
SELECT code, 'ACTIVE', began, began
  FROM pg_temp.demo_size, unnest('{admin,connections,entity,feedback,form,issues,mentees,mentors,
           notification,organization,permissions,profile,question,report,sessions,users}'::text[])
           AS code;

INSERT INTO public.permissions
       (code, module, request_type, api_path, status, created_at, updated_at)
SELECT code || '_' || may, code, ARRAY[CASE may WHEN 'read' THEN 'GET' ELSE 'POST' END],
       '/mentoring/v1/' || code || '/' || may, 'ACTIVE', created_at, created_at
  FROM public.modules, unnest('{read,write,delete}'::text[]) AS may ORDER BY id, may;

INSERT INTO public.role_permission_mapping
       (role_title, permission_id, module, request_type, api_path, created_at, updated_at,
        created_by)
SELECT role.title, may.id, may.module, may.request_type, may.api_path, may.created_at,
       may.created_at, '0'
  FROM public.permissions AS may, public.role_extensions AS role
 WHERE role.title = 'system_admin' OR (role.id <= 4 AND may.request_type = '{GET}')
 ORDER BY role.id, may.id;

INSERT INTO public.sequelize_meta (name)
VALUES ('20230717084640-create-sessions.js'), ('20230717085015-create-session-attendees.js'),
       ('20230719104553-create-user-extensions.js'), ('20231106101225-create-modules.js'),
       ('20240801074543-merge-mentor-extensions.js'), ('20250110094512-create-reports.js'),
       ('20251126173829-add-index-to-sessions.js');

-- ---- what dirty plants, with the number of rows ----

-- 12 sessions without a creator, 8 made by '0', 5 made by a user that does not exist.
UPDATE public.sessions SET created_by = NULL WHERE :'dirty'::boolean AND id BETWEEN 101 AND 112;
UPDATE public.sessions SET created_by = '0' WHERE :'dirty'::boolean AND id BETWEEN 121 AND 128;
UPDATE public.sessions SET created_by = '990001' WHERE :'dirty'::boolean AND id BETWEEN 141 AND 145;

-- 2 reports and 1 report query of no organization.
UPDATE public.reports SET organization_id = NULL WHERE :'dirty'::boolean AND id IN (2, 5);
UPDATE public.report_queries SET organization_id = NULL WHERE :'dirty'::boolean AND id = 3;

-- 1 attendee in 50 is of another tenant than the session (1,200 at scale 1).
UPDATE public.session_attendees AS a
   SET mentee_id = 1 + (seat.tenant_users_before + seat.tenant_users + seat.seat
                        + pg_temp.demo_pick(seat.session_id, 71,
                                            everybody.users - seat.tenant_users - 10))
                       % everybody.users
  FROM pg_temp.demo_seat AS seat, (SELECT count(*) AS users FROM pg_temp.demo_user) AS everybody
 WHERE :'dirty'::boolean AND seat.id = a.id AND a.id % 50 = 7;

-- 6 attendees of sessions that do not exist, 4 that do not exist themselves, and 1 with the id of
-- another one of the same tenant: the new primary key cannot be built.
INSERT INTO public.session_attendees (mentee_id, session_id, time_zone, created_at, updated_at)
SELECT planted.mentee_id, planted.session_id, 'Asia/Calcutta', today, today
  FROM pg_temp.demo_size,
       (SELECT n::text, 9900000 + n FROM generate_series(1, 6) AS n
         UNION ALL SELECT '990002', 150 + n FROM generate_series(1, 4) AS n)
           AS planted (mentee_id, session_id)
 WHERE :'dirty'::boolean;
UPDATE public.session_attendees SET id = 12 WHERE :'dirty'::boolean AND id = 11;

-- 3 feedbacks of users and 2 on sessions that do not exist.
UPDATE public.feedbacks SET user_id = '990003' WHERE :'dirty'::boolean AND id IN (21, 22, 23);
UPDATE public.feedbacks SET session_id = 9900010 WHERE :'dirty'::boolean AND id IN (31, 32);

-- 3 post session details and 2 resources of sessions that do not exist, and 2 resources that
-- somebody of another tenant has put there.
UPDATE public.post_session_details SET session_id = 9900020 + id
 WHERE :'dirty'::boolean AND id IN (5, 6, 7);
UPDATE public.resources SET session_id = 9900030 WHERE :'dirty'::boolean AND id IN (5, 6);
UPDATE public.resources AS r
   SET created_by = (SELECT min(u.n)::text FROM pg_temp.demo_user AS u, pg_temp.demo_user AS owner
                      WHERE owner.user_id = r.created_by AND u.tenant <> owner.tenant)
 WHERE :'dirty'::boolean AND id IN (8, 9);

-- 4 entities of entity types that do not exist; 30 of other organizations' types made by '0', as
-- the service's seed does it: type and creator disagree about the tenant.
UPDATE public.entities SET entity_type_id = 990000 + id
 WHERE :'dirty'::boolean AND id BETWEEN 201 AND 204;
UPDATE public.entities SET created_by = '0' WHERE :'dirty'::boolean AND id BETWEEN 301 AND 330;

-- 8 questions and 2 question sets without a creator, as in the seed; 1 set lists a question that
-- does not exist; 1 role has a permission that does not exist.
UPDATE public.questions SET created_by = NULL WHERE :'dirty'::boolean;
UPDATE public.question_sets SET created_by = NULL WHERE :'dirty'::boolean;
UPDATE public.question_sets SET questions = questions || '99'::varchar
 WHERE :'dirty'::boolean AND id = 2;
UPDATE public.role_permission_mapping SET permission_id = 9900
 WHERE :'dirty'::boolean AND role_title = 'mentee' AND permission_id = 2;

-- Organization 21 is new and stands in no mapping: 10 users. Organization 77 is known to nobody but
-- to 5 users and 2 forms.
INSERT INTO public.organization_extension
       (organization_id, created_at, updated_at, created_by, name)
SELECT '21', today, today, '1', 'Pilot Schools' FROM pg_temp.demo_size WHERE :'dirty'::boolean;
INSERT INTO public.user_extensions
       (user_id, created_at, updated_at, organization_id, name, email)
SELECT 980000 + n, today, today, CASE WHEN n <= 10 THEN '21' ELSE '77' END, 'Newcomer ' || n,
       'newcomer' || n || '@example.org'
  FROM pg_temp.demo_size, generate_series(1, 15) AS n WHERE :'dirty'::boolean;
UPDATE public.forms SET organization_id = '77'
 WHERE :'dirty'::boolean AND organization_id = '18' AND type IN ('session', 'editProfile');

-- What is unique now and will not be within a tenant: 1 availability has the id of another
-- organization's, 1 the event name of another's, 1 form has another organization's id.
UPDATE public.availabilities AS a SET id = other.id
  FROM public.availabilities AS other
 WHERE :'dirty'::boolean
   AND a.id = (SELECT min(id) FROM public.availabilities WHERE organization_id = '5')
   AND other.id = (SELECT min(id) FROM public.availabilities WHERE organization_id = '2');
UPDATE public.availabilities AS a SET event_name = other.event_name
  FROM public.availabilities AS other
 WHERE :'dirty'::boolean
   AND a.id = (SELECT min(id) FROM public.availabilities WHERE organization_id = '4')
   AND other.id = (SELECT min(id) FROM public.availabilities WHERE organization_id = '6');
UPDATE public.forms AS f SET id = other.id
  FROM public.forms AS other
 WHERE :'dirty'::boolean AND f.organization_id = '5' AND f.type = 'session'
   AND other.organization_id = '2' AND other.type = 'session';

-- 2 requests that the same person has made to the same mentor twice.
INSERT INTO public.session_request
       (requestor_id, requestee_id, status, title, agenda, updated_by, created_by, created_at,
        updated_at)
SELECT requestor_id, requestee_id, 'REQUESTED', title, agenda, updated_by, created_by, created_at,
       updated_at
  FROM public.session_request WHERE :'dirty'::boolean AND id IN (1, 2);

REFRESH MATERIALIZED VIEW public.m_sessions;
SELECT setval('public.sessions_id_seq', (SELECT max(id) FROM public.sessions));
DROP FUNCTION pg_temp.demo_pick, pg_temp.demo_one_of;
-- Only these tables: a plain ANALYZE would complain of the catalog's to whoever is no superuser.
DO $$
DECLARE
    sample regclass;
BEGIN
    FOR sample IN SELECT oid FROM pg_class
                   WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'm')
    LOOP
        EXECUTE format('ANALYZE %s', sample);
    END LOOP;
END $$;
COMMIT;

-- name: demo_mentoring_codes
-- The mapping file of the sample, data_codes.csv, row by row: organization_id, organization_code,
-- tenant_code. An organization without a brand is not in it.
SELECT organization_id, regexp_replace(lower(name), '[^a-z0-9]+', '_', 'g') AS organization_code,
       theme ->> 'brand' AS tenant_code
  FROM public.organization_extension
 WHERE theme ->> 'brand' IS NOT NULL
 ORDER BY organization_id::integer;

-- name: demo_mentoring_keys
-- The keys that go with the rows into Redis: key, value, ttl_seconds (NULL: never expires). Layouts
-- of the upgrade guide and those that the service really writes, its job queue (bull:*, which is
-- nobody's but the queue's), and some that nobody knows any more. A few are kept longer than their
-- kind should be, a few have no end, a few are of a tenant that does not exist.
WITH code AS (
    SELECT organization_id, theme ->> 'brand' AS tenant,
           regexp_replace(lower(name), '[^a-z0-9]+', '_', 'g') AS org
      FROM public.organization_extension WHERE theme ->> 'brand' IS NOT NULL
)
SELECT 'org:' || org || ':' || what AS key,
       json_build_object('organization_id', organization_id)::text AS value,
       CASE WHEN org = 'default_org' THEN NULL ELSE 86400 END AS ttl_seconds
  FROM code, unnest('{details,config,permissions}'::text[]) AS what
UNION ALL
SELECT what || ':' || org || ':' || detail,
       json_build_object('organization_id', organization_id)::text, seconds
  FROM code, (VALUES ('sessions', 'upcoming', 7200), ('mentors', 'active', 21600),
                     ('mentees', 'active', 21600), ('forms', 'session_type', 14400))
                 AS kind (what, detail, seconds)
UNION ALL
SELECT 'sessions:' || org || ':past', '[]', 604800 FROM code WHERE organization_id::integer % 4 = 0
UNION ALL
SELECT 'tenant:' || code.tenant || ':sessions:' || s.id,
       json_build_object('id', s.id, 'title', s.title, 'status', s.status)::text,
       86400 + s.id % 3600
  FROM public.sessions AS s JOIN code ON code.organization_id = s.mentor_organization_id
 WHERE s.id % 20 = 0
UNION ALL
SELECT 'tenant:' || code.tenant || ':org:' || code.org || ':'
       || CASE WHEN u.is_mentor THEN 'mentor:' ELSE 'mentee:' END || u.user_id,
       json_build_object('user_id', u.user_id, 'name', u.name)::text, 86400
  FROM public.user_extensions AS u JOIN code USING (organization_id)
 WHERE u.user_id::integer % 5 = 0
UNION ALL
SELECT 'tenant:' || code.tenant || ':org:' || code.org || ':forms:' || f.type || ':' || f.sub_type,
       coalesce(f.data::text, '{}'), 86400
  FROM public.forms AS f JOIN code USING (organization_id)
UNION ALL
SELECT 'tenant:' || code.tenant || ':org:' || code.org || ':entityTypes:model:' || e.model_names[1]
       || ':' || e.value, json_build_object('id', e.id)::text, 86400
  FROM public.entity_types AS e JOIN code USING (organization_id)
UNION ALL
SELECT 'tenant:' || tenant || ':org:' || org || ':organizations:' || organization_id,
       json_build_object('name', org)::text, 86400
  FROM code
UNION ALL
SELECT 'tenant:' || tenant || ':org:' || org || ':platformConfig', '{}', 86400 FROM code
UNION ALL
SELECT 'permissions:role:' || title, '[]', NULL FROM public.role_extensions
UNION ALL
SELECT 'tenant:ghost_tenant:sessions:' || n, '{}', 86400 FROM generate_series(1, 10) AS n
UNION ALL
SELECT 'org:closed_school:' || what, '{}', 86400
  FROM unnest('{details,config,permissions}'::text[]) AS what
UNION ALL
SELECT 'bull:mentoring-queue:' || n, json_build_object('name', 'notification', 'attempts', 1)::text,
       NULL
  FROM generate_series(1, 40) AS n
UNION ALL
SELECT 'bull:mentoring-queue:' || what, '{}', NULL
  FROM unnest('{id,meta,events,stalled-check}'::text[]) AS what
ORDER BY 1;
