-- A journal that somebody else could have written into: what steers a terminal, turns the reading
-- order, hides, takes two columns or none, has lines or is as long as a page, in each text of it.
ALTER TABLE tenantdeck.event DISABLE TRIGGER ALL;
WITH poison (text) AS (VALUES
    (U&'\001B]52;c;b3duZWQ=\0007copied to your clipboard'),
    (U&'\001B[2J\001B[1;1Hgone \001B]0;owned\0007\001BP+q\001B\005C'),
    (U&'\202Ethgir ot tfel\202C and \2066isolated\2069'),
    (U&'two\000Alines, a return\000D and a tab\0009here'),
    (U&'wide \8868\5B9A\7FA9 \30C6\30FC\30D6\30EB \+01F993\+01F993 and combining e\0301\0301\0301\0301\0301\0301\0301\0301'),
    (U&'hidden\200B\200C\200D\FEFF\00AD\+0E0041'),
    (U&'one-byte controls \009B31m \0085 \007F'),
    (repeat('4 kB of name ', 320)),
    (repeat(U&'\8868', 1400)))
INSERT INTO tenantdeck.event (at, run, severity, source, text)
SELECT '2026-01-31T11:57:00Z', 1, 'error', 'step', text FROM poison;
UPDATE tenantdeck.event SET role = 'postgres';
UPDATE tenantdeck.step
   SET trouble = U&'value \001B]52;c;b3duZWQ=\0007 of \202Eytsan\202C is too long:' || chr(10) || repeat('x', 4096)
 WHERE state = 'failed';
UPDATE tenantdeck.finding
   SET subject = U&'\001B[31m\8868\5B9A\7FA9\202E', message = U&'\001B]52;c;b3duZWQ=\0007' || repeat(' long', 800),
       samples = jsonb_build_array(U&'\001B[2J\202Esample', repeat('s', 4096)),
       query = U&'SELECT \001B[2J', fix = U&'DROP \001B]0;x\0007'
 WHERE verdict <> 'pass';
ALTER TABLE tenantdeck.event ENABLE TRIGGER ALL;
