-- Many small payments of many people gather on one account within a month: a pool, whatever it is called.
SELECT row_id, account AS subject, event_time, counterparty AS payer,
       COUNT(DISTINCT counterparty) FILTER (WHERE direction = 'in') OVER month AS payers,
       AVG(amount_ref) FILTER (WHERE direction = 'in') OVER month AS mean_payment,
       SUM(amount_ref) FILTER (WHERE direction = 'in') OVER month AS received
FROM movements
WHERE kind NOT IN ('card_payment', 'return')
  AND COALESCE(account_role, 'retail') NOT IN ('payroll', 'merchant', 'psp', 'omnibus', 'internal', 'collective')
  AND (account LIKE 'exch:%' OR NOT COALESCE(account_is_vasp, false))
  AND COALESCE(counterparty_role, 'retail') NOT IN ('payroll', 'merchant', 'psp', 'internal', 'collective')
  AND COALESCE(counterparty_customer, '?') <> COALESCE(account_customer, '-')
  AND COALESCE(counterparty_name, '?') <> COALESCE(account_name, '-')
  AND COALESCE(linked_account, '-') <> account
  AND counterparty IS NOT NULL
WINDOW month AS (PARTITION BY account ORDER BY event_time
                 RANGE BETWEEN INTERVAL '30' DAY PRECEDING AND CURRENT ROW)
QUALIFY direction = 'in' AND payers >= $min_payers AND mean_payment <= $max_mean AND received >= $min_received
