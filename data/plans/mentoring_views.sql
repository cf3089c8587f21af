-- Step `views` of the plan mentoring: run once for each tenant. :"m_sessions" stands for the name with
-- the tenant's code in front, north_m_sessions, and so does every other name but :"schema"; they are
-- the names that the service's release 3.3 looks for. :'tenant' is the code.
--
-- The service leaves out sessions that began before it built the view, at a second it writes into the
-- definition. Here all are in: its queries name the time they want, and the view need not be built anew.
-- The old view m_sessions, of all tenants, is left alone, and the step warns of it.

CREATE MATERIALIZED VIEW :"schema".:"m_sessions" AS
SELECT id, title::varchar, description, recommended_for::varchar[], categories::varchar[],
       medium::varchar[], image::varchar[], mentor_id::varchar, session_reschedule,
       status::varchar, time_zone::varchar, start_date, end_date, mentee_password::varchar,
       mentor_password::varchar, started_at, share_link::varchar, completed_at,
       is_feedback_skipped, mentee_feedback_question_set::varchar,
       mentor_feedback_question_set::varchar, meeting_info, meta, visibility::varchar,
       visible_to_organizations::varchar[], mentor_organization_id::varchar, seats_remaining,
       seats_limit, custom_entity_text, type::varchar, mentor_name::varchar, created_by::varchar,
       updated_by::varchar, created_at, updated_at, deleted_at, tenant_code::varchar
  FROM :"schema".sessions
 WHERE deleted_at IS NULL AND tenant_code = :'tenant'
  WITH NO DATA;

CREATE UNIQUE INDEX :"unique_index_sessions__id" ON :"schema".:"m_sessions" (id);
CREATE INDEX :"idx_filtered_sessions"
    ON :"schema".:"m_sessions" (mentor_organization_id, status, type, mentor_id);
CREATE INDEX :"idx_sessions_recommended_for"
    ON :"schema".:"m_sessions" USING gin (recommended_for);
CREATE INDEX :"idx_sessions_categories" ON :"schema".:"m_sessions" USING gin (categories);
CREATE INDEX :"idx_sessions_medium" ON :"schema".:"m_sessions" USING gin (medium);

-- Needs the extension pg_trgm in the same schema, where release 3.2 has put it.
CREATE INDEX :"gin_index_sessions_title"
    ON :"schema".:"m_sessions" USING gin (title :"schema".gin_trgm_ops);
CREATE INDEX :"gin_index_sessions_description"
    ON :"schema".:"m_sessions" USING gin (description :"schema".gin_trgm_ops);
CREATE INDEX :"gin_index_sessions_mentor_name"
    ON :"schema".:"m_sessions" USING gin (mentor_name :"schema".gin_trgm_ops);

-- The people, as the service searches for mentors and mentees among them.
CREATE MATERIALIZED VIEW :"schema".:"m_user_extensions" AS
SELECT user_id::varchar, designation::varchar[], area_of_expertise::varchar[],
       education_qualification::varchar, rating, meta, stats, tags::varchar[], configs,
       mentor_visibility::varchar, visible_to_organizations::varchar[],
       external_session_visibility::varchar, external_mentor_visibility::varchar,
       custom_entity_text, experience::varchar, organization_id::varchar,
       external_mentee_visibility::varchar, mentee_visibility::varchar, name::varchar,
       email::varchar, phone::varchar, is_mentor, image::varchar, settings, gender::varchar,
       status::varchar, created_at, updated_at, deleted_at, tenant_code::varchar,
       organization_code::varchar
  FROM :"schema".user_extensions
 WHERE deleted_at IS NULL AND tenant_code = :'tenant'
  WITH NO DATA;

CREATE UNIQUE INDEX :"unique_index_user_extensions__user_id"
    ON :"schema".:"m_user_extensions" (user_id);
CREATE INDEX :"idx_user_extensions_designation"
    ON :"schema".:"m_user_extensions" USING gin (designation);
CREATE INDEX :"idx_user_extensions_area_of_expertise"
    ON :"schema".:"m_user_extensions" USING gin (area_of_expertise);
