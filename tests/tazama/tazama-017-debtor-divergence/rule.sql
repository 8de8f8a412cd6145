-- Payees that a debtor diverges to within the window.
SELECT row_id, account AS subject, event_time,
       COUNT(DISTINCT counterparty) FILTER (WHERE direction = 'out') OVER w AS parties,
       CASE WHEN COUNT(DISTINCT counterparty) FILTER (WHERE direction = 'out') OVER w < $limit THEN '.01' ELSE '.02' END AS band
FROM movements
WHERE kind = 'credit_transfer' AND counterparty IS NOT NULL
WINDOW w AS (PARTITION BY account ORDER BY event_time
             RANGE BETWEEN INTERVAL '8' HOUR PRECEDING AND CURRENT ROW)
QUALIFY direction = 'out' AND parties >= 0
