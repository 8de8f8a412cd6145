-- Payments that succeeded so far, this one included.
SELECT row_id, beneficiary AS subject, event_time,
       COUNT(*) FILTER (WHERE status <> 'rejected') OVER history AS successes,
       CASE WHEN COUNT(*) FILTER (WHERE status <> 'rejected') OVER history < $limit THEN '.01'
            WHEN COUNT(*) FILTER (WHERE status <> 'rejected') OVER history < $second THEN '.02' ELSE '.03' END AS band
FROM transactions
WHERE kind = 'credit_transfer' AND beneficiary IS NOT NULL
WINDOW history AS (PARTITION BY beneficiary ORDER BY event_time
                   RANGE BETWEEN INTERVAL '365' DAY PRECEDING AND CURRENT ROW)
