-- How often, and how much, an account paid in the hour up to each payment.
SELECT row_id, originator AS subject, event_time,
       COUNT(*) OVER w AS payments,
       SUM(amount_ref) OVER w AS paid
FROM transactions
WHERE originator IS NOT NULL
WINDOW w AS (PARTITION BY originator ORDER BY event_time
             RANGE BETWEEN INTERVAL '1' HOUR PRECEDING AND CURRENT ROW)
QUALIFY payments >= $min_payments AND paid >= $min_paid
