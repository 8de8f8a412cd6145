-- Many small payers, and some of them are paid out of it: a scheme that lives on the next deposit.
SELECT row_id, subject, event_time,
       COUNT(*) FILTER (WHERE rule = 'investor-pool') OVER w AS deposits,
       COUNT(*) FILTER (WHERE rule = 'investor-payouts') OVER w AS payouts,
       COUNT(DISTINCT rule) OVER w AS signs
FROM signals
WHERE rule IN ('investor-pool', 'investor-payouts')
WINDOW w AS (PARTITION BY subject ORDER BY event_time
             RANGE BETWEEN INTERVAL '30' DAY PRECEDING AND CURRENT ROW)
QUALIFY signs >= $min_signs AND payouts >= $min_payouts
