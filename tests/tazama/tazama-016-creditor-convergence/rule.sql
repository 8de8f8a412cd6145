-- Payers that converge on a creditor within the window.
SELECT row_id, account AS subject, event_time,
       COUNT(DISTINCT counterparty) FILTER (WHERE direction = 'in') OVER w AS parties,
       CASE WHEN COUNT(DISTINCT counterparty) FILTER (WHERE direction = 'in') OVER w < $limit THEN '.01' ELSE '.02' END AS band
FROM movements
WHERE kind = 'credit_transfer' AND counterparty IS NOT NULL
WINDOW w AS (PARTITION BY account ORDER BY event_time
             RANGE BETWEEN INTERVAL '24' HOUR PRECEDING AND CURRENT ROW)
QUALIFY direction = 'in' AND parties >= 0
