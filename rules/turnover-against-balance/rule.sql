-- Much more money of others runs through an account within a week than ever lies on it.
SELECT row_id, account AS subject, event_time, direction, counterparty,
       SUM(amount_ref) OVER w AS turnover,
       COALESCE(SUM(amount_ref) FILTER (WHERE direction = 'in') OVER w, 0) AS received,
       AVG(balance_ref) OVER w AS mean_balance
FROM movements
WHERE kind NOT IN ('card_payment', 'return')
  AND COALESCE(account_role, 'retail') NOT IN ('business', 'payroll', 'merchant', 'psp', 'omnibus', 'internal', 'collective')
  AND NOT COALESCE(account_is_vasp, false)
  AND COALESCE(counterparty_role, 'retail') NOT IN ('payroll', 'merchant', 'psp', 'internal', 'collective')
  AND COALESCE(counterparty_customer, '?') <> COALESCE(account_customer, '-')
  AND COALESCE(counterparty_name, '?') <> COALESCE(account_name, '-')
  AND COALESCE(linked_account, '-') <> account
  AND COALESCE(purpose, '-') NOT IN ('SALA', 'PAYR', 'BONU', 'PENS', 'BENE', 'SSBE')
  AND balance_ref >= 0
WINDOW w AS (PARTITION BY account ORDER BY event_time
             RANGE BETWEEN INTERVAL '7' DAY PRECEDING AND CURRENT ROW)
QUALIFY direction = 'out' AND amount_ref >= $min_payment AND received >= $min_received
    AND turnover >= $min_times * mean_balance
