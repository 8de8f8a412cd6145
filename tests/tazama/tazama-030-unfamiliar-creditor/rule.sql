-- How often the debtor has paid this creditor, this payment included.
SELECT row_id, account AS subject, event_time, counterparty,
       COUNT(*) OVER pair AS payments,
       CASE WHEN COUNT(*) OVER pair < $limit THEN '.01' ELSE '.02' END AS band
FROM movements
WHERE kind = 'credit_transfer' AND counterparty IS NOT NULL AND direction = 'out'
WINDOW pair AS (PARTITION BY account, counterparty ORDER BY event_time
                RANGE BETWEEN INTERVAL '365' DAY PRECEDING AND CURRENT ROW)
