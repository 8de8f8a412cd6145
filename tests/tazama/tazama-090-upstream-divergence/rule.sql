-- How many payees a debtor has had in a day in which money came to it.
SELECT row_id, account AS subject, event_time,
       COUNT(*) FILTER (WHERE direction = 'in') OVER w AS receipts,
       COUNT(DISTINCT counterparty) FILTER (WHERE direction = 'out') OVER w AS payees,
       CASE WHEN COUNT(DISTINCT counterparty) FILTER (WHERE direction = 'out') OVER w < $limit THEN '.01' ELSE '.02' END AS band
FROM movements
WHERE kind = 'credit_transfer' AND counterparty IS NOT NULL
WINDOW w AS (PARTITION BY account ORDER BY event_time
             RANGE BETWEEN INTERVAL '24' HOUR PRECEDING AND CURRENT ROW)
QUALIFY direction = 'out' AND receipts >= 1
