-- Three payments or more to others within two minutes, from an account that pays at a human pace otherwise.
SELECT row_id, account AS subject, event_time, counterparty AS payee,
       COUNT(*) FILTER (WHERE direction = 'out') OVER burst AS payments_burst,
       SUM(amount_ref) FILTER (WHERE direction = 'out') OVER burst AS paid_burst,
       COUNT(*) FILTER (WHERE direction = 'out') OVER day AS payments_day
FROM movements
WHERE kind NOT IN ('card_payment', 'return')
  AND COALESCE(account_role, 'retail') NOT IN ('business', 'payroll', 'merchant', 'psp', 'omnibus', 'internal', 'collective')
  AND (account LIKE 'exch:%' OR NOT COALESCE(account_is_vasp, false))
  AND COALESCE(counterparty_role, 'retail') NOT IN ('payroll', 'merchant', 'psp', 'internal', 'collective')
  AND COALESCE(counterparty_customer, '?') <> COALESCE(account_customer, '-')
  AND COALESCE(counterparty_name, '?') <> COALESCE(account_name, '-')
  AND COALESCE(linked_account, '-') <> account
  AND COALESCE(channel, 'online') IN ('online', 'mobile', 'api')
WINDOW burst AS (PARTITION BY account ORDER BY event_time
                 RANGE BETWEEN INTERVAL '2' MINUTE PRECEDING AND CURRENT ROW),
       day AS (PARTITION BY account ORDER BY event_time
               RANGE BETWEEN INTERVAL '24' HOUR PRECEDING AND CURRENT ROW)
QUALIFY direction = 'out' AND payments_burst >= $min_payments AND paid_burst >= $min_paid AND payments_day <= $max_day
