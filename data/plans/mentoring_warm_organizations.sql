-- Step `cache-warm` of the plan mentoring: what each organization has set for itself, which the service
-- asks for with nearly every request. The columns are named like the parts of the key, and `value` is
-- the row as the service keeps it: JSON, with times as in JavaScript.
SELECT tenant_code AS tenant,
       organization_code AS org,
       organization_id AS id,
       (to_jsonb(o) || jsonb_build_object(
           'created_at', to_char(created_at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
           'updated_at', to_char(updated_at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')))::text AS value
  FROM :"schema".organization_extension AS o
 WHERE deleted_at IS NULL AND tenant_code IS NOT NULL AND organization_code IS NOT NULL;
