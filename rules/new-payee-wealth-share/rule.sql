-- Three payments or more to somebody first dealt with in the last three months take a quarter of what there was within a month.
SELECT row_id, account AS subject, event_time, counterparty AS payee, balance_ref AS balance_left,
       COUNT(*) FILTER (WHERE direction = 'out') OVER month AS payments,
       SUM(amount_ref) FILTER (WHERE direction = 'out') OVER month AS paid,
       MIN(event_time) OVER past AS first_dealt
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
WINDOW month AS (PARTITION BY account, counterparty ORDER BY event_time
                 RANGE BETWEEN INTERVAL '30' DAY PRECEDING AND CURRENT ROW),
       past AS (PARTITION BY account, counterparty ORDER BY event_time
                RANGE BETWEEN INTERVAL '180' DAY PRECEDING AND CURRENT ROW)
QUALIFY direction = 'out' AND amount_ref >= $min_payment AND first_dealt > event_time - INTERVAL '90' DAY
    AND payments >= $min_payments AND paid >= $min_paid AND paid >= $min_wealth_share * (balance_ref + paid)
