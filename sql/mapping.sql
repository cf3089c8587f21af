-- The mapping file in the journal: the codes that the fill and its triggers go by.

-- name: mapping_forget
-- Makes room for the file as it is now: the old codes of plan $1 go in the same transaction.
DELETE FROM tenantdeck.mapping WHERE plan = $1;

-- name: mapping_add
-- Adds rows ($2, a JSON array of key, organization_code, tenant_code) to the mapping of plan $1. A row
-- that the file repeats comes twice with the same codes.
INSERT INTO tenantdeck.mapping (plan, key, organization_code, tenant_code)
SELECT $1, r.key, r.organization_code, r.tenant_code
  FROM jsonb_to_recordset($2::jsonb) AS r (key text, organization_code text, tenant_code text)
ON CONFLICT (plan, key) DO NOTHING;

-- name: mapping_analyze
-- Tells the planner how many codes there are: each row's way to its codes goes by this table.
ANALYZE tenantdeck.mapping;

-- name: mapping_differs
-- How many of these rows of the file ($2, as mapping_add takes them) are not what plan $1 has loaded.
-- Answers: differing, known (of how many the key is loaded), loaded (all that it has).
SELECT count(*) FILTER (WHERE m.key IS NULL OR m.tenant_code IS DISTINCT FROM r.tenant_code
                              OR m.organization_code IS DISTINCT FROM r.organization_code) AS differing,
       count(m.key) AS known,
       (SELECT count(*) FROM tenantdeck.mapping l WHERE l.plan = $1) AS loaded
  FROM jsonb_to_recordset($2::jsonb) AS r (key text, organization_code text, tenant_code text)
  LEFT JOIN tenantdeck.mapping m ON m.plan = $1 AND m.key = r.key;

-- name: mapping_undo
-- Takes the codes of the plan out of the journal again.
DELETE FROM tenantdeck.mapping WHERE plan = :'plan';
