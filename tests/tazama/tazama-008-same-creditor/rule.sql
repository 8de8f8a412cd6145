-- How many of the three payments before went to the same creditor.
SELECT row_id, account AS subject, event_time, counterparty,
       LAG(event_time, 3) OVER steps AS began,
       (CASE WHEN LAG(counterparty, 1) OVER steps = counterparty THEN 1 ELSE 0 END
            + CASE WHEN LAG(counterparty, 2) OVER steps = counterparty THEN 1 ELSE 0 END
            + CASE WHEN LAG(counterparty, 3) OVER steps = counterparty THEN 1 ELSE 0 END) AS same_creditor,
       CASE WHEN (CASE WHEN LAG(counterparty, 1) OVER steps = counterparty THEN 1 ELSE 0 END
            + CASE WHEN LAG(counterparty, 2) OVER steps = counterparty THEN 1 ELSE 0 END
            + CASE WHEN LAG(counterparty, 3) OVER steps = counterparty THEN 1 ELSE 0 END) < $limit
            THEN '.01' ELSE '.02' END AS band
FROM movements
WHERE kind = 'credit_transfer' AND counterparty IS NOT NULL AND direction = 'out'
WINDOW steps AS (PARTITION BY account ORDER BY event_time, row_id)
QUALIFY began >= event_time - INTERVAL '365' DAY
