-- How long ago the account that is paid first moved.
SELECT row_id, account AS subject, event_time,
       CAST(event_time AS BIGINT) - CAST(MIN(event_time) OVER history AS BIGINT) AS age_ms,
       COUNT(*) OVER history AS movements_ever,
       CASE WHEN CAST(event_time AS BIGINT) - CAST(MIN(event_time) OVER history AS BIGINT) < $limit THEN '.01' ELSE '.02' END AS band
FROM movements
WHERE kind = 'credit_transfer' AND counterparty IS NOT NULL
WINDOW history AS (PARTITION BY account ORDER BY event_time
                   RANGE BETWEEN INTERVAL '365' DAY PRECEDING AND CURRENT ROW)
QUALIFY direction = 'in' AND movements_ever >= 2
