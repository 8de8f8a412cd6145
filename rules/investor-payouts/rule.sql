-- An account paid by many pays some of its payers back, and keeps a good part: yields out of the deposits of others.
SELECT row_id, account AS subject, event_time, counterparty AS investor,
       COUNT(*) FILTER (WHERE direction = 'in') OVER pair AS paid_in_by_investor,
       COUNT(DISTINCT counterparty) FILTER (WHERE direction = 'in') OVER month AS payers,
       COUNT(DISTINCT counterparty) FILTER (WHERE direction = 'out') OVER month AS payees,
       SUM(amount_ref) FILTER (WHERE direction = 'in') OVER month AS received,
       SUM(amount_ref) FILTER (WHERE direction = 'out') OVER month AS sent
FROM movements
WHERE kind NOT IN ('card_payment', 'return')
  AND COALESCE(account_role, 'retail') NOT IN ('payroll', 'merchant', 'psp', 'omnibus', 'internal', 'collective')
  AND (account LIKE 'exch:%' OR NOT COALESCE(account_is_vasp, false))
  AND COALESCE(counterparty_role, 'retail') NOT IN ('payroll', 'merchant', 'psp', 'internal', 'collective')
  AND COALESCE(counterparty_customer, '?') <> COALESCE(account_customer, '-')
  AND COALESCE(counterparty_name, '?') <> COALESCE(account_name, '-')
  AND COALESCE(linked_account, '-') <> account
  AND counterparty IS NOT NULL
WINDOW pair AS (PARTITION BY account, counterparty ORDER BY event_time
                RANGE BETWEEN INTERVAL '90' DAY PRECEDING AND CURRENT ROW),
       month AS (PARTITION BY account ORDER BY event_time
                 RANGE BETWEEN INTERVAL '30' DAY PRECEDING AND CURRENT ROW)
QUALIFY direction = 'out' AND paid_in_by_investor >= 1 AND payers >= $min_payers AND payees >= $min_payees
    AND sent BETWEEN $min_share * received AND $max_share * received
