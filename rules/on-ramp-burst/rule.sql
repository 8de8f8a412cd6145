-- An account that paid no exchange before the last month pays them several times within a day, or a lot within the month.
SELECT row_id, account AS subject, event_time, counterparty AS payee,
       COUNT(*) OVER day AS payments_day,
       SUM(amount_ref) OVER day AS paid_day,
       SUM(amount_ref) OVER month AS paid_month,
       MIN(event_time) OVER past AS first_paid
FROM movements
WHERE kind IN ('credit_transfer', 'card_payment') AND direction = 'out' AND counterparty_is_vasp
  AND COALESCE(account_role, 'retail') NOT IN ('payroll', 'merchant', 'psp', 'omnibus', 'internal', 'collective')
  AND NOT COALESCE(account_is_vasp, false)
WINDOW day AS (PARTITION BY account ORDER BY event_time
               RANGE BETWEEN INTERVAL '24' HOUR PRECEDING AND CURRENT ROW),
       month AS (PARTITION BY account ORDER BY event_time
                 RANGE BETWEEN INTERVAL '30' DAY PRECEDING AND CURRENT ROW),
       past AS (PARTITION BY account ORDER BY event_time
                RANGE BETWEEN INTERVAL '90' DAY PRECEDING AND CURRENT ROW)
QUALIFY first_paid >= event_time - INTERVAL '30' DAY AND amount_ref >= $min_payment
    AND (payments_day >= $min_payments AND paid_day >= $min_paid_day OR paid_month >= $min_paid_month)
