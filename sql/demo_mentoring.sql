-- The sample, first half: a mentoring service's database as it is before it becomes multi-tenant.
-- demo_mentoring_data.sql fills it. psql runs the two as they stand, in one session:
--
--     psql -v ON_ERROR_STOP=1 -v scale=1 -v dirty=false -d mentoring \
--         -f demo_mentoring.sql -f demo_mentoring_data.sql
--
-- Schema and rows are one transaction, begun here and committed there.

-- name: demo_mentoring_schema
-- Creates the tables, keys, indexes and the materialized view of the service's release 3.2: no
-- column knows of a tenant, and there is no foreign key. Begins the transaction that
-- demo_mentoring_data commits. Trigram indexes are left out where pg_trgm is not to be had.
BEGIN;
SET LOCAL search_path = pg_catalog, pg_temp;
SET LOCAL TimeZone = 'UTC';
SET LOCAL statement_timeout = 0; -- a large sample takes its time
SET LOCAL jit = off;             -- compiling would take longer than most of the statements

CREATE TYPE public.enum_availabilities_repeat_on AS ENUM
    ('Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday');
CREATE TYPE public.enum_availabilities_repeat_unit AS ENUM ('DAY', 'WEEK', 'MONTH', 'YEAR');

-- ---- tables that find their tenant by their own organization_id ----

CREATE TABLE public.organization_extension (
    organization_id varchar(255) NOT NULL,
    session_visibility_policy varchar(255),
    mentor_visibility_policy varchar(255),
    external_session_visibility_policy varchar(255),
    external_mentor_visibility_policy varchar(255),
    approval_required_for varchar(255)[],
    allow_mentor_override boolean,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    created_by varchar(255),
    updated_by varchar(255),
    mentee_feedback_question_set varchar(255),
    mentor_feedback_question_set varchar(255),
    mentee_visibility_policy varchar(255) DEFAULT 'CURRENT',
    external_mentee_visibility_policy varchar(255) DEFAULT 'CURRENT',
    uploads jsonb,
    name varchar(255),
    theme jsonb,
    CONSTRAINT organisation_extension_pkey PRIMARY KEY (organization_id)
);
-- The column was a number once; its sequence stayed, unused and still owned.
CREATE SEQUENCE public.organisation_extension_org_id_seq AS integer
    OWNED BY public.organization_extension.organization_id;
CREATE INDEX organization_extension_name ON public.organization_extension (name);

CREATE TABLE public.user_extensions (
    user_id varchar(255) PRIMARY KEY,
    designation varchar(255)[],
    area_of_expertise varchar(255)[],
    education_qualification varchar(255),
    rating json,
    meta jsonb,
    stats jsonb,
    tags varchar(255)[],
    configs json,
    mentor_visibility varchar(255),
    visible_to_organizations varchar(255)[],
    external_session_visibility varchar(255),
    external_mentor_visibility varchar(255),
    custom_entity_text json,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    experience varchar(255),
    organization_id varchar(255) NOT NULL,
    external_mentee_visibility varchar(255) DEFAULT 'CURRENT',
    mentee_visibility varchar(255) DEFAULT 'CURRENT',
    name varchar(255),
    email varchar(255),
    phone varchar(255),
    is_mentor boolean NOT NULL DEFAULT false,
    image varchar(255),
    settings jsonb,
    gender varchar(255),
    status varchar(255) DEFAULT 'ACTIVE'
);

CREATE TABLE public.availabilities (
    id serial,
    user_id varchar(255) NOT NULL,
    event_name varchar(255) NOT NULL,
    start_time bigint NOT NULL,
    end_time bigint NOT NULL,
    expiration_date bigint,
    repeat_on public.enum_availabilities_repeat_on[],
    repeat_unit public.enum_availabilities_repeat_unit,
    occurrence_in_month integer,
    repeat_increment integer,
    session_id integer,
    updated_by varchar(255),
    created_by varchar(255),
    organization_id varchar(255) NOT NULL,
    exceptions jsonb,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    PRIMARY KEY (id, organization_id)
);
CREATE INDEX availabilities_organization_id ON public.availabilities (organization_id);
CREATE INDEX availabilities_user_id ON public.availabilities (user_id);

CREATE TABLE public.default_rules (
    id serial PRIMARY KEY,
    type varchar(255) NOT NULL,
    target_field varchar(255) NOT NULL,
    is_target_from_sessions_mentor boolean DEFAULT false,
    requester_field varchar(255) NOT NULL,
    field_configs json,
    operator varchar(255) NOT NULL,
    requester_roles varchar(255)[] DEFAULT ARRAY['ALL'::varchar(255)],
    requester_roles_config json DEFAULT '{"exclude":false}',
    organization_id varchar(255) NOT NULL,
    created_by varchar(255),
    updated_by varchar(255),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz
);
CREATE INDEX default_rules_organization_id ON public.default_rules (organization_id);
CREATE INDEX default_rules_type ON public.default_rules (type);
CREATE INDEX default_rules_type_organization_id ON public.default_rules (type, organization_id);
CREATE UNIQUE INDEX unique_default_rules_constraint
    ON public.default_rules (type, target_field, requester_field, organization_id)
    WHERE deleted_at IS NULL;

CREATE TABLE public.entity_types (
    id serial,
    value varchar(255),
    label varchar(255),
    status varchar(255) DEFAULT 'ACTIVE',
    created_by varchar(255),
    updated_by varchar(255),
    allow_filtering boolean,
    data_type varchar(255),
    organization_id varchar(255) NOT NULL,
    parent_id integer,
    has_entities boolean,
    allow_custom_entities boolean,
    model_names varchar(255)[],
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    required boolean NOT NULL DEFAULT false,
    regex varchar(255) DEFAULT NULL::varchar,
    report_filter boolean NOT NULL DEFAULT false,
    meta jsonb,
    PRIMARY KEY (id, organization_id)
);
CREATE UNIQUE INDEX unique_value_org_id ON public.entity_types (value, organization_id)
    WHERE deleted_at IS NULL;

CREATE TABLE public.file_uploads (
    id serial,
    name varchar(255) NOT NULL,
    input_path varchar(255) NOT NULL,
    status varchar(255) NOT NULL DEFAULT 'UPLOADED',
    type varchar(255) NOT NULL,
    output_path varchar(255),
    organization_id varchar(255) NOT NULL,
    created_by varchar(255),
    updated_by varchar(255),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    PRIMARY KEY (input_path, organization_id)
);

CREATE TABLE public.forms (
    id serial,
    type varchar(255) NOT NULL,
    sub_type varchar(255) NOT NULL,
    data json,
    version integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    organization_id varchar(255) NOT NULL,
    PRIMARY KEY (id, organization_id),
    CONSTRAINT unique_type_sub_type_org_id UNIQUE (type, sub_type, organization_id)
);

CREATE TABLE public.notification_templates (
    id serial,
    type varchar(255) NOT NULL,
    code varchar(255),
    subject varchar(255),
    body text NOT NULL,
    status varchar(255),
    email_header varchar(255),
    email_footer varchar(255),
    organization_id varchar(255) NOT NULL,
    created_by varchar(255),
    updated_by varchar(255),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    PRIMARY KEY (id, organization_id)
);

CREATE TABLE public.report_queries (
    id serial PRIMARY KEY,
    report_code varchar(255) NOT NULL,
    query text,
    organization_id varchar(255),
    status varchar(255) DEFAULT 'ACTIVE',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);
CREATE UNIQUE INDEX unique_queries_report_code_organization
    ON public.report_queries (report_code, organization_id);

CREATE TABLE public.reports (
    id serial PRIMARY KEY,
    code varchar(255) NOT NULL,
    title varchar(255) NOT NULL,
    description text,
    report_type_title varchar(255) NOT NULL,
    config jsonb,
    organization_id varchar(255),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);
CREATE UNIQUE INDEX report_code_organization_unique ON public.reports (code, organization_id);

CREATE TABLE public.role_extensions (
    id serial NOT NULL,
    title varchar(255) PRIMARY KEY,
    label varchar(255) NOT NULL,
    status varchar(255) NOT NULL DEFAULT 'ACTIVE',
    scope varchar(255) NOT NULL,
    organization_id varchar(255) NOT NULL,
    deleted_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);

-- ---- tables that find it by a user, or by a parent row ----

CREATE TABLE public.sessions (
    id serial PRIMARY KEY,
    title varchar(255) NOT NULL,
    description text,
    recommended_for varchar(255)[],
    categories varchar(255)[],
    medium varchar(255)[],
    image varchar(255)[] NOT NULL,
    mentor_id varchar(255),
    session_reschedule integer NOT NULL DEFAULT 0,
    status varchar(255) NOT NULL DEFAULT 'PUBLISHED',
    time_zone varchar(255) NOT NULL,
    start_date bigint NOT NULL,
    end_date bigint NOT NULL,
    mentee_password varchar(255),
    mentor_password varchar(255),
    started_at timestamptz,
    share_link varchar(255),
    completed_at timestamptz,
    is_feedback_skipped boolean NOT NULL DEFAULT false,
    mentee_feedback_question_set varchar(255),
    mentor_feedback_question_set varchar(255),
    meeting_info jsonb,
    meta jsonb,
    visibility varchar(255),
    visible_to_organizations varchar(255)[],
    mentor_organization_id varchar(255) NOT NULL,
    seats_remaining integer DEFAULT 25,
    seats_limit integer DEFAULT 25,
    custom_entity_text json,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    created_by varchar(255),
    updated_by varchar(255),
    type varchar(255) NOT NULL DEFAULT 'PUBLIC',
    mentor_name varchar(255) NOT NULL DEFAULT 'Mentor'
);

CREATE TABLE public.session_attendees (
    id serial NOT NULL,
    mentee_id varchar(255) NOT NULL,
    session_id integer NOT NULL,
    time_zone varchar(255) NOT NULL,
    joined_at timestamptz,
    left_at timestamptz,
    is_feedback_skipped boolean NOT NULL DEFAULT false,
    meeting_info json,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    type varchar(255) NOT NULL DEFAULT 'ENROLLED',
    PRIMARY KEY (session_id, mentee_id)
);

CREATE TABLE public.feedbacks (
    id serial,
    session_id integer,
    question_id integer,
    response varchar(255),
    meta json,
    user_id varchar(255) NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    PRIMARY KEY (id, user_id)
);

CREATE TABLE public.connection_requests (
    id serial,
    user_id varchar(255) NOT NULL,
    friend_id varchar(255) NOT NULL,
    status varchar(255) NOT NULL,
    meta json,
    updated_by varchar(255) NOT NULL,
    created_by varchar(255) NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    PRIMARY KEY (id, user_id, friend_id)
);
CREATE INDEX index_created_by_connection_requests ON public.connection_requests (created_by);
CREATE INDEX index_friend_id_connection_requests ON public.connection_requests (friend_id);
CREATE INDEX index_status_connection_requests ON public.connection_requests (status);
CREATE UNIQUE INDEX unique_user_id_friend_id_connection_requests
    ON public.connection_requests (user_id, friend_id) WHERE deleted_at IS NULL;

CREATE TABLE public.connections (
    id serial,
    user_id varchar(255) NOT NULL,
    friend_id varchar(255) NOT NULL,
    status varchar(255) NOT NULL,
    meta json,
    updated_by varchar(255) NOT NULL,
    created_by varchar(255) NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    PRIMARY KEY (id, user_id, friend_id)
);
CREATE INDEX index_created_by_connections ON public.connections (created_by);
CREATE INDEX index_friend_id_connections ON public.connections (friend_id);
CREATE INDEX index_status_connections ON public.connections (status);
CREATE UNIQUE INDEX unique_user_id_friend_id_connections
    ON public.connections (user_id, friend_id) WHERE deleted_at IS NULL;

CREATE TABLE public.entities (
    id serial,
    entity_type_id integer NOT NULL,
    value varchar(255),
    label varchar(255),
    status varchar(255) DEFAULT 'ACTIVE',
    type varchar(255),
    created_by varchar(255),
    updated_by varchar(255),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    PRIMARY KEY (id, entity_type_id)
);
CREATE UNIQUE INDEX unique_entities_value ON public.entities (value, entity_type_id)
    WHERE deleted_at IS NULL;

CREATE TABLE public.issues (
    id serial PRIMARY KEY,
    user_id varchar(255) NOT NULL,
    description text NOT NULL,
    is_email_triggered boolean DEFAULT false,
    meta_data jsonb,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz
);

CREATE TABLE public.resources (
    id serial PRIMARY KEY,
    session_id integer NOT NULL,
    status varchar(255) NOT NULL,
    name varchar(255) NOT NULL,
    link varchar(255) NOT NULL,
    type varchar(255) NOT NULL,
    deleted_at timestamptz,
    created_by varchar(255) NOT NULL,
    updated_by varchar(255) NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    mime_type varchar(255) DEFAULT NULL::varchar
);

CREATE TABLE public.session_request (
    id serial,
    requestor_id varchar(255) NOT NULL,
    requestee_id varchar(255) NOT NULL,
    status varchar(255) NOT NULL,
    meta json,
    title varchar(255) NOT NULL,
    agenda text NOT NULL,
    start_date integer,
    end_date integer,
    session_id varchar(255),
    reject_reason varchar(255),
    updated_by varchar(255) NOT NULL,
    created_by varchar(255) NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    PRIMARY KEY (id, requestor_id, requestee_id)
);
CREATE INDEX index_requestor_id_session_request ON public.session_request (requestor_id);
CREATE INDEX index_status_session_request ON public.session_request (status);

CREATE TABLE public.question_sets (
    id serial NOT NULL,
    questions varchar(255)[],
    code varchar(255) PRIMARY KEY,
    status varchar(255) NOT NULL,
    meta json,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    created_by varchar(255),
    updated_by varchar(255)
);

CREATE TABLE public.questions (
    id serial PRIMARY KEY,
    name varchar(255) NOT NULL,
    question varchar(255) NOT NULL,
    options varchar(255)[],
    type varchar(255) NOT NULL,
    no_of_stars integer,
    status varchar(255) NOT NULL,
    category json,
    rendering_data json,
    meta json,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    created_by varchar(255),
    updated_by varchar(255)
);

CREATE TABLE public.post_session_details (
    id serial NOT NULL,
    session_id integer PRIMARY KEY,
    recording json,
    recording_url varchar(255),
    meta json,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz
);

-- ---- tables that all get the default tenant ----

CREATE TABLE public.modules (
    id serial PRIMARY KEY,
    code varchar(255) NOT NULL,
    status varchar(255) NOT NULL,
    deleted_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX code_unique ON public.modules (code) WHERE deleted_at IS NULL;

CREATE TABLE public.report_types (
    id serial PRIMARY KEY,
    title varchar(255) NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);
CREATE UNIQUE INDEX report_types_title ON public.report_types (title) WHERE deleted_at IS NULL;

CREATE TABLE public.report_role_mapping (
    id serial NOT NULL,
    report_code varchar(255) NOT NULL,
    role_title varchar(255) NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    PRIMARY KEY (report_code, role_title)
);
CREATE INDEX idx_report_role_mapping_report_code ON public.report_role_mapping (report_code);

-- ---- tables that get no tenant ----

CREATE TABLE public.permissions (
    id serial PRIMARY KEY,
    code varchar(255) NOT NULL UNIQUE,
    module varchar(255) NOT NULL,
    request_type varchar(255)[] NOT NULL,
    api_path varchar(255) NOT NULL,
    status varchar(255) NOT NULL,
    deleted_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX unique_code ON public.permissions (code) WHERE deleted_at IS NULL;

CREATE TABLE public.role_permission_mapping (
    role_title varchar(255) NOT NULL,
    permission_id integer NOT NULL,
    module varchar(255) NOT NULL,
    request_type varchar(255)[] NOT NULL,
    api_path varchar(255) NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    created_by varchar(255),
    PRIMARY KEY (role_title, permission_id)
);

CREATE TABLE public.sequelize_meta (name varchar(255) PRIMARY KEY);

CREATE TABLE public.session_enrollments (
    id serial NOT NULL,
    mentee_id varchar(255) NOT NULL,
    session_id integer NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    PRIMARY KEY (mentee_id, session_id)
);

CREATE TABLE public.session_ownerships (
    id serial NOT NULL,
    user_id varchar(255) NOT NULL,
    session_id integer NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    type varchar(255) NOT NULL DEFAULT 'MENTOR',
    CONSTRAINT session_ownerships_user_session_type_pkey PRIMARY KEY (user_id, session_id, type)
);

CREATE TABLE public.session_request_mapping (
    requestee_id varchar(255) NOT NULL,
    request_session_id integer NOT NULL,
    PRIMARY KEY (requestee_id, request_session_id)
);
CREATE INDEX index_requestee_id_session_request_mapping
    ON public.session_request_mapping (requestee_id);

-- ---- what the service builds for its search: the sessions since a moment that it froze ----

CREATE MATERIALIZED VIEW public.m_sessions AS
SELECT id, title::varchar, description, recommended_for::varchar[], categories::varchar[],
       medium::varchar[], image::varchar[], mentor_id::varchar, session_reschedule,
       status::varchar, time_zone::varchar, start_date, end_date, mentee_password::varchar,
       mentor_password::varchar, started_at, share_link::varchar, completed_at,
       is_feedback_skipped, mentee_feedback_question_set::varchar,
       mentor_feedback_question_set::varchar, meeting_info, meta, visibility::varchar,
       visible_to_organizations::varchar[], mentor_organization_id::varchar, seats_remaining,
       seats_limit, custom_entity_text, type::varchar, mentor_name::varchar, created_by::varchar,
       updated_by::varchar, created_at, updated_at, deleted_at
  FROM public.sessions
 WHERE deleted_at IS NULL AND start_date >= 1759276800 -- 2025-10-01
  WITH NO DATA;
CREATE UNIQUE INDEX m_unique_index_sessions__id ON public.m_sessions (id);
CREATE INDEX idx_filtered_sessions
    ON public.m_sessions (mentor_organization_id, status, type, mentor_id);

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_available_extensions WHERE name = 'pg_trgm') THEN
        RETURN;
    END IF;
    CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;
    CREATE INDEX m_gin_index_sessions_title
        ON public.m_sessions USING gin (title public.gin_trgm_ops);
    CREATE INDEX m_gin_index_sessions_description
        ON public.m_sessions USING gin (description public.gin_trgm_ops);
    CREATE INDEX m_gin_index_sessions_mentor_name
        ON public.m_sessions USING gin (mentor_name public.gin_trgm_ops);
    CREATE INDEX m_idx_sessions_status
        ON public.m_sessions USING gin (status public.gin_trgm_ops);
    CREATE INDEX m_idx_sessions_type
        ON public.m_sessions USING gin (type public.gin_trgm_ops);
END $$;
