-- The version of a deduction order counts each sponsor who comes or goes after the order was set,
-- as the fold of an account does from this release on. Heads that were folded before count the
-- orders alone; here they get what their events say. In an account's head (a JSON array) the
-- version stands at index 13.

LOCK TABLE heads IN SHARE ROW EXCLUSIVE MODE;

WITH told AS (
    SELECT e.stream, e.version, t.topic,
           convert_from(e.state, 'UTF8')::jsonb #>> '{event,binding}' AS binding
      FROM events e JOIN topics t ON t.id = e.topic
     WHERE t.topic IN ('account.order-changed/1', 'account.sponsor-linked/1',
                       'account.sponsor-unlinked/1')
), ordered AS (
    SELECT stream, min(version) AS since FROM told
     WHERE topic = 'account.order-changed/1' GROUP BY stream
), came AS (
    SELECT stream, binding, version FROM told WHERE topic = 'account.sponsor-linked/1'
), went AS (
    -- The end of a tie may be told twice; the end of an invitation is no sponsor's.
    SELECT c.stream, c.binding, min(u.version) AS version
      FROM came c JOIN told u ON u.stream = c.stream AND u.binding = c.binding
     WHERE u.topic = 'account.sponsor-unlinked/1' AND u.version > c.version
     GROUP BY c.stream, c.binding
), moved AS (
    SELECT m.stream, count(*) AS times
      FROM (SELECT * FROM came UNION ALL SELECT * FROM went) AS m
      JOIN ordered o ON o.stream = m.stream AND m.version > o.since
     GROUP BY m.stream
)
UPDATE heads h
   SET state = convert_to(jsonb_set(
           convert_from(h.state, 'UTF8')::jsonb, '{13}',
           to_jsonb((convert_from(h.state, 'UTF8')::jsonb ->> 13)::bigint + m.times))::text, 'UTF8')
  FROM moved m
 WHERE h.stream = m.stream AND h.kind = 1;
