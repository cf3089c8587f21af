-- Step `functions` of the plan mentoring. psql runs it as well: psql -v schema=public -f THIS-FILE
--
-- The service's materialized views flatten lists that stand in a jsonb column: an object gives its
-- keys, an array its elements, anything else nothing. Installations of release 3.2 have it from the
-- service already; its parameter must keep its name, or CREATE OR REPLACE would be refused.

CREATE OR REPLACE FUNCTION :"schema".transform_jsonb_to_text_array(input_jsonb jsonb)
RETURNS text[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    RETURN CASE pg_catalog.jsonb_typeof(input_jsonb)
        WHEN 'object' THEN ARRAY(SELECT pg_catalog.jsonb_object_keys(input_jsonb))
        WHEN 'array' THEN ARRAY(SELECT pg_catalog.jsonb_array_elements_text(input_jsonb))
        ELSE '{}'
    END;
END
$$;
