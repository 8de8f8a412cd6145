-- Two payments or more to this account are asked back because of fraud.
SELECT row_id, subject, event_time, COUNT(*) OVER w AS payments
FROM signals
WHERE rule IN ('recall-hit')
WINDOW w AS (PARTITION BY subject ORDER BY event_time
             RANGE BETWEEN INTERVAL '90' DAY PRECEDING AND CURRENT ROW)
QUALIFY payments >= $min_payments
