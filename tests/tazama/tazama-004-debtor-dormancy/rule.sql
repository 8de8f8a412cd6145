-- Whether the account moved in the three months before this payment: the window ends a millisecond short of them.
SELECT row_id, account AS subject, event_time,
       COUNT(*) OVER recent AS movements_recent,
       COUNT(*) OVER history AS movements_ever,
       CASE WHEN COUNT(*) OVER recent > 1 THEN '.01' ELSE '.02' END AS band
FROM movements
WHERE kind = 'credit_transfer' AND counterparty IS NOT NULL
WINDOW recent AS (PARTITION BY account ORDER BY event_time
                  RANGE BETWEEN INTERVAL '7889228.999' SECOND PRECEDING AND CURRENT ROW),
       history AS (PARTITION BY account ORDER BY event_time
                   RANGE BETWEEN INTERVAL '730' DAY PRECEDING AND CURRENT ROW)
QUALIFY direction = 'out' AND movements_ever >= 2
