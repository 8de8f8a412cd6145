-- How many accounts of the creditor's have been used.
SELECT row_id, beneficiary AS subject, event_time, beneficiary_customer AS customer,
       COUNT(DISTINCT beneficiary) OVER holder AS accounts_used,
       CASE WHEN COUNT(DISTINCT beneficiary) OVER holder < $limit THEN '.01' ELSE '.02' END AS band
FROM transactions
WHERE status <> 'rejected' AND beneficiary IS NOT NULL AND beneficiary_customer IS NOT NULL
WINDOW holder AS (PARTITION BY beneficiary_customer ORDER BY event_time
                  RANGE BETWEEN INTERVAL '365' DAY PRECEDING AND CURRENT ROW)
