-- Payments of the last day against the mean and the deviation of the seven days before, each a difference of two windows.
-- (x - m) / s >= 3, without a root or a quotient: 2 (7 x - sum)^2 >= 21 (7 squares - sum^2).
SELECT row_id, account AS subject, event_time,
       COUNT(*) OVER d1 AS today,
       COUNT(*) OVER d8 AS eight_days,
       CASE WHEN (7 * ((COUNT(*) OVER d2 - COUNT(*) OVER d1) * (COUNT(*) OVER d2 - COUNT(*) OVER d1) + (COUNT(*) OVER d3 - COUNT(*) OVER d2) * (COUNT(*) OVER d3 - COUNT(*) OVER d2) + (COUNT(*) OVER d4 - COUNT(*) OVER d3) * (COUNT(*) OVER d4 - COUNT(*) OVER d3) + (COUNT(*) OVER d5 - COUNT(*) OVER d4) * (COUNT(*) OVER d5 - COUNT(*) OVER d4) + (COUNT(*) OVER d6 - COUNT(*) OVER d5) * (COUNT(*) OVER d6 - COUNT(*) OVER d5) + (COUNT(*) OVER d7 - COUNT(*) OVER d6) * (COUNT(*) OVER d7 - COUNT(*) OVER d6) + (COUNT(*) OVER d8 - COUNT(*) OVER d7) * (COUNT(*) OVER d8 - COUNT(*) OVER d7)) - (COUNT(*) OVER d8 - COUNT(*) OVER d1) * (COUNT(*) OVER d8 - COUNT(*) OVER d1)) = 0
            THEN CASE WHEN (7 * COUNT(*) OVER d1 - (COUNT(*) OVER d8 - COUNT(*) OVER d1)) > 0 THEN '.x03' ELSE '.x04' END
            WHEN (7 * COUNT(*) OVER d1 - (COUNT(*) OVER d8 - COUNT(*) OVER d1)) > 0 AND 2 * (7 * COUNT(*) OVER d1 - (COUNT(*) OVER d8 - COUNT(*) OVER d1)) * (7 * COUNT(*) OVER d1 - (COUNT(*) OVER d8 - COUNT(*) OVER d1)) >= 21 * (7 * ((COUNT(*) OVER d2 - COUNT(*) OVER d1) * (COUNT(*) OVER d2 - COUNT(*) OVER d1) + (COUNT(*) OVER d3 - COUNT(*) OVER d2) * (COUNT(*) OVER d3 - COUNT(*) OVER d2) + (COUNT(*) OVER d4 - COUNT(*) OVER d3) * (COUNT(*) OVER d4 - COUNT(*) OVER d3) + (COUNT(*) OVER d5 - COUNT(*) OVER d4) * (COUNT(*) OVER d5 - COUNT(*) OVER d4) + (COUNT(*) OVER d6 - COUNT(*) OVER d5) * (COUNT(*) OVER d6 - COUNT(*) OVER d5) + (COUNT(*) OVER d7 - COUNT(*) OVER d6) * (COUNT(*) OVER d7 - COUNT(*) OVER d6) + (COUNT(*) OVER d8 - COUNT(*) OVER d7) * (COUNT(*) OVER d8 - COUNT(*) OVER d7)) - (COUNT(*) OVER d8 - COUNT(*) OVER d1) * (COUNT(*) OVER d8 - COUNT(*) OVER d1))
            THEN '.02' ELSE '.01' END AS band
FROM movements
WHERE kind = 'credit_transfer' AND counterparty IS NOT NULL AND direction = 'out'
WINDOW d1 AS (PARTITION BY account ORDER BY event_time
              RANGE BETWEEN INTERVAL '24' HOUR PRECEDING AND CURRENT ROW),
       d2 AS (PARTITION BY account ORDER BY event_time
              RANGE BETWEEN INTERVAL '48' HOUR PRECEDING AND CURRENT ROW),
       d3 AS (PARTITION BY account ORDER BY event_time
              RANGE BETWEEN INTERVAL '72' HOUR PRECEDING AND CURRENT ROW),
       d4 AS (PARTITION BY account ORDER BY event_time
              RANGE BETWEEN INTERVAL '96' HOUR PRECEDING AND CURRENT ROW),
       d5 AS (PARTITION BY account ORDER BY event_time
              RANGE BETWEEN INTERVAL '120' HOUR PRECEDING AND CURRENT ROW),
       d6 AS (PARTITION BY account ORDER BY event_time
              RANGE BETWEEN INTERVAL '144' HOUR PRECEDING AND CURRENT ROW),
       d7 AS (PARTITION BY account ORDER BY event_time
              RANGE BETWEEN INTERVAL '168' HOUR PRECEDING AND CURRENT ROW),
       d8 AS (PARTITION BY account ORDER BY event_time
              RANGE BETWEEN INTERVAL '192' HOUR PRECEDING AND CURRENT ROW)
QUALIFY eight_days > today
