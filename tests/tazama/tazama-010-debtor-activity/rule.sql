-- Payments of the last day against the mean and the deviation of the seven days before.
-- (x - m) / s >= 3, without a root or a quotient: 2 (7 x - sum)^2 >= 21 (7 squares - sum^2).
SELECT row_id, account AS subject, event_time,
       COUNT(*) OVER today AS payments,
       COUNT(*) OVER week AS payments_before,
       CASE WHEN 7 * (CAST(COUNT(*) OVER d2 AS DECIMAL(12, 0)) * COUNT(*) OVER d2 + CAST(COUNT(*) OVER d3 AS DECIMAL(12, 0)) * COUNT(*) OVER d3 + CAST(COUNT(*) OVER d4 AS DECIMAL(12, 0)) * COUNT(*) OVER d4 + CAST(COUNT(*) OVER d5 AS DECIMAL(12, 0)) * COUNT(*) OVER d5 + CAST(COUNT(*) OVER d6 AS DECIMAL(12, 0)) * COUNT(*) OVER d6 + CAST(COUNT(*) OVER d7 AS DECIMAL(12, 0)) * COUNT(*) OVER d7 + CAST(COUNT(*) OVER d8 AS DECIMAL(12, 0)) * COUNT(*) OVER d8)
                  - CAST(COUNT(*) OVER week AS DECIMAL(12, 0)) * COUNT(*) OVER week = 0
            THEN CASE WHEN 7 * COUNT(*) OVER today - COUNT(*) OVER week > 0 THEN '.x03' ELSE '.x04' END
            WHEN 7 * COUNT(*) OVER today - COUNT(*) OVER week > 0
             AND 2 * CAST(7 * COUNT(*) OVER today - COUNT(*) OVER week AS DECIMAL(12, 0)) * (7 * COUNT(*) OVER today - COUNT(*) OVER week) >=
                 21 * (7 * (CAST(COUNT(*) OVER d2 AS DECIMAL(12, 0)) * COUNT(*) OVER d2 + CAST(COUNT(*) OVER d3 AS DECIMAL(12, 0)) * COUNT(*) OVER d3 + CAST(COUNT(*) OVER d4 AS DECIMAL(12, 0)) * COUNT(*) OVER d4 + CAST(COUNT(*) OVER d5 AS DECIMAL(12, 0)) * COUNT(*) OVER d5 + CAST(COUNT(*) OVER d6 AS DECIMAL(12, 0)) * COUNT(*) OVER d6 + CAST(COUNT(*) OVER d7 AS DECIMAL(12, 0)) * COUNT(*) OVER d7 + CAST(COUNT(*) OVER d8 AS DECIMAL(12, 0)) * COUNT(*) OVER d8)
                  - CAST(COUNT(*) OVER week AS DECIMAL(12, 0)) * COUNT(*) OVER week)
            THEN '.02' ELSE '.01' END AS band
FROM movements
WHERE kind = 'credit_transfer' AND counterparty IS NOT NULL AND direction = 'out'
WINDOW today AS (PARTITION BY account ORDER BY event_time
              RANGE BETWEEN INTERVAL '24' HOUR PRECEDING AND CURRENT ROW),
       week AS (PARTITION BY account ORDER BY event_time
              RANGE BETWEEN INTERVAL '192' HOUR PRECEDING AND INTERVAL '24 hours 1 millisecond' PRECEDING),
       d2 AS (PARTITION BY account ORDER BY event_time
              RANGE BETWEEN INTERVAL '48' HOUR PRECEDING AND INTERVAL '24 hours 1 millisecond' PRECEDING),
       d3 AS (PARTITION BY account ORDER BY event_time
              RANGE BETWEEN INTERVAL '72' HOUR PRECEDING AND INTERVAL '48 hours 1 millisecond' PRECEDING),
       d4 AS (PARTITION BY account ORDER BY event_time
              RANGE BETWEEN INTERVAL '96' HOUR PRECEDING AND INTERVAL '72 hours 1 millisecond' PRECEDING),
       d5 AS (PARTITION BY account ORDER BY event_time
              RANGE BETWEEN INTERVAL '120' HOUR PRECEDING AND INTERVAL '96 hours 1 millisecond' PRECEDING),
       d6 AS (PARTITION BY account ORDER BY event_time
              RANGE BETWEEN INTERVAL '144' HOUR PRECEDING AND INTERVAL '120 hours 1 millisecond' PRECEDING),
       d7 AS (PARTITION BY account ORDER BY event_time
              RANGE BETWEEN INTERVAL '168' HOUR PRECEDING AND INTERVAL '144 hours 1 millisecond' PRECEDING),
       d8 AS (PARTITION BY account ORDER BY event_time
              RANGE BETWEEN INTERVAL '192' HOUR PRECEDING AND INTERVAL '168 hours 1 millisecond' PRECEDING)
QUALIFY payments_before > 0
