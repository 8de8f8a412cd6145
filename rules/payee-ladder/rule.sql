-- Three payments or more to a payee of the last three months, each at least 1.3 times the one before.
SELECT row_id, account AS subject, event_time, counterparty AS payee, amount_ref AS latest,
       LAG(amount_ref, 1) OVER steps AS before_it,
       LAG(amount_ref, 2) OVER steps AS before_that,
       LAG(event_time, 2) OVER steps AS began,
       SUM(amount_ref) OVER pair AS paid,
       MIN(event_time) OVER past AS first_paid
FROM movements
WHERE kind NOT IN ('card_payment', 'return')
  AND (account LIKE 'iban:%' OR account LIKE 'acct:%')
  AND COALESCE(account_role, 'retail') NOT IN ('business', 'payroll', 'merchant', 'psp', 'omnibus', 'internal', 'collective')
  AND NOT COALESCE(account_is_vasp, false)
  AND COALESCE(counterparty_role, 'retail') NOT IN ('payroll', 'merchant', 'psp', 'internal', 'collective')
  AND COALESCE(counterparty_customer, '?') <> COALESCE(account_customer, '-')
  AND COALESCE(counterparty_name, '?') <> COALESCE(account_name, '-')
  AND COALESCE(linked_account, '-') <> account
  AND counterparty IS NOT NULL
  AND direction = 'out'
WINDOW steps AS (PARTITION BY account, counterparty ORDER BY event_time, row_id),
       pair AS (PARTITION BY account, counterparty ORDER BY event_time
                RANGE BETWEEN INTERVAL '90' DAY PRECEDING AND CURRENT ROW),
       past AS (PARTITION BY account, counterparty ORDER BY event_time
                RANGE BETWEEN INTERVAL '180' DAY PRECEDING AND CURRENT ROW)
QUALIFY amount_ref >= $min_payment AND paid >= $min_paid
    AND began >= event_time - INTERVAL '90' DAY
    AND latest >= $min_growth * before_it AND before_it >= $min_growth * before_that
    AND first_paid > event_time - INTERVAL '90' DAY
