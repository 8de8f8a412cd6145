-- The amount against the mean and the deviation of those before: what the windows hold of this payment is taken off again.
-- (a - m) / s >= 3, without a root or a quotient: (n a - sum)^2 (n - 1) >= 9 n (n squares - sum^2).
SELECT row_id, account AS subject, event_time, amount_ref,
       COUNT(*) OVER history AS payments,
       CASE WHEN (COUNT(*) OVER history - 1) * (SUM(amount_ref * amount_ref) OVER history - amount_ref * amount_ref) - (SUM(amount_ref) OVER history - amount_ref) * (SUM(amount_ref) OVER history - amount_ref) = 0
            THEN CASE WHEN (COUNT(*) OVER history - 1) * amount_ref > (SUM(amount_ref) OVER history - amount_ref) THEN '.x03' ELSE '.x04' END
            WHEN (COUNT(*) OVER history - 1) * amount_ref > (SUM(amount_ref) OVER history - amount_ref)
             AND ((COUNT(*) OVER history - 1) * amount_ref - (SUM(amount_ref) OVER history - amount_ref)) * ((COUNT(*) OVER history - 1) * amount_ref - (SUM(amount_ref) OVER history - amount_ref)) * ((COUNT(*) OVER history - 1) - 1)
                 >= 9 * (COUNT(*) OVER history - 1) * ((COUNT(*) OVER history - 1) * (SUM(amount_ref * amount_ref) OVER history - amount_ref * amount_ref) - (SUM(amount_ref) OVER history - amount_ref) * (SUM(amount_ref) OVER history - amount_ref))
            THEN '.02' ELSE '.01' END AS band
FROM movements
WHERE kind = 'credit_transfer' AND counterparty IS NOT NULL AND direction = 'out' AND amount_ref IS NOT NULL
WINDOW history AS (PARTITION BY account ORDER BY event_time
                   RANGE BETWEEN INTERVAL '365' DAY PRECEDING AND CURRENT ROW)
QUALIFY payments >= 3
