-- Somebody who is no registered employer pays the same to many within a day, and keeps doing so: said of who is paid.
SELECT row_id, account AS subject, event_time, counterparty AS payer,
       COUNT(DISTINCT account) OVER day AS paid_people,
       MIN(amount_ref) OVER day AS smallest,
       MAX(amount_ref) OVER day AS largest,
       COUNT(*) OVER pair AS wages
FROM movements
WHERE kind IN ('credit_transfer', 'internal_transfer', 'token_transfer') AND direction = 'in'
  AND amount_ref >= $min_wage AND amount_ref <= $max_wage AND counterparty IS NOT NULL
  AND COALESCE(account_role, 'retail') NOT IN ('business', 'payroll', 'merchant', 'psp', 'omnibus', 'internal', 'collective')
  AND NOT COALESCE(account_is_vasp, false)
  AND NOT COALESCE(counterparty_is_vasp, false)
  AND COALESCE(counterparty_role, 'retail') NOT IN ('business', 'payroll', 'merchant', 'psp', 'omnibus', 'internal', 'collective')
  AND COALESCE(purpose, '-') NOT IN ('SALA', 'PAYR', 'BONU', 'PENS', 'BENE', 'SSBE')
WINDOW day AS (PARTITION BY counterparty ORDER BY event_time
               RANGE BETWEEN INTERVAL '24' HOUR PRECEDING AND CURRENT ROW),
       pair AS (PARTITION BY account, counterparty ORDER BY event_time
                RANGE BETWEEN INTERVAL '90' DAY PRECEDING AND CURRENT ROW)
QUALIFY paid_people >= $min_people AND largest <= $max_spread * smallest AND wages >= $min_wages
