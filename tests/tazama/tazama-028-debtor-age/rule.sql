-- Whether the debtor is of age on the day of the payment.
SELECT row_id, originator AS subject, event_time,
       CASE WHEN CAST(originator_birth_date AS DATE) + INTERVAL '18' YEAR > CAST(event_time AS DATE)
            THEN '.01' ELSE '.02' END AS band
FROM transactions
WHERE status <> 'rejected' AND originator IS NOT NULL
  AND originator_birth_date ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$'
