-- How many accounts of the debtor's have been used.
SELECT row_id, originator AS subject, event_time, originator_customer AS customer,
       COUNT(DISTINCT originator) OVER holder AS accounts_used,
       CASE WHEN COUNT(DISTINCT originator) OVER holder < $limit THEN '.01' ELSE '.02' END AS band
FROM transactions
WHERE status <> 'rejected' AND originator IS NOT NULL AND originator_customer IS NOT NULL
WINDOW holder AS (PARTITION BY originator_customer ORDER BY event_time
                  RANGE BETWEEN INTERVAL '365' DAY PRECEDING AND CURRENT ROW)
