-- Whether the debtor paid within the five minutes before: the window ends a millisecond short of them.
SELECT row_id, account AS subject, event_time,
       COUNT(*) OVER recent AS payments_recent,
       COUNT(*) OVER history AS payments_ever,
       CASE WHEN COUNT(*) OVER recent > 1 THEN '.01' ELSE '.02' END AS band
FROM movements
WHERE kind = 'credit_transfer' AND counterparty IS NOT NULL AND direction = 'out'
WINDOW recent AS (PARTITION BY account ORDER BY event_time
                  RANGE BETWEEN INTERVAL '299999' MILLISECOND PRECEDING AND CURRENT ROW),
       history AS (PARTITION BY account ORDER BY event_time
                   RANGE BETWEEN INTERVAL '365' DAY PRECEDING AND CURRENT ROW)
QUALIFY payments_ever >= 2
