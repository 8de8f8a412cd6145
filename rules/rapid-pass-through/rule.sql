-- Money comes in from others and within two days nearly all of it leaves, or much of it in cash: a mule's account.
SELECT row_id, account AS subject, event_time, counterparty AS payee,
       SUM(amount_ref) FILTER (
           WHERE direction = 'in'
             AND COALESCE(purpose, '-') NOT IN ('SALA', 'PAYR', 'BONU', 'PENS', 'BENE', 'SSBE')) OVER w AS received,
       SUM(amount_ref) FILTER (WHERE direction = 'out') OVER w AS sent,
       COALESCE(SUM(amount_ref) FILTER (WHERE kind = 'cash_withdrawal') OVER w, 0) AS cash,
       COUNT(DISTINCT COALESCE(counterparty, kind)) OVER w AS counterparties
FROM movements
WHERE kind NOT IN ('card_payment', 'return')
  AND COALESCE(account_role, 'retail') NOT IN ('payroll', 'merchant', 'psp', 'omnibus', 'internal', 'collective')
  AND NOT COALESCE(account_is_vasp, false)
  AND COALESCE(counterparty_role, 'retail') NOT IN ('payroll', 'merchant', 'psp', 'internal', 'collective')
  AND COALESCE(counterparty_customer, '?') <> COALESCE(account_customer, '-')
  AND COALESCE(counterparty_name, '?') <> COALESCE(account_name, '-')
  AND COALESCE(linked_account, '-') <> account
WINDOW w AS (PARTITION BY account ORDER BY event_time
             RANGE BETWEEN INTERVAL '48' HOUR PRECEDING AND CURRENT ROW)
QUALIFY direction = 'out' AND amount_ref >= $min_payment AND received >= $min_received
    AND sent <= $max_share * received AND (sent >= $min_share * received OR cash >= $min_cash)
    AND counterparties BETWEEN 2 AND $max_counterparties
