-- Four payees or more within three days, the latest never dealt with before: money is spread, wherever it came from.
SELECT row_id, account AS subject, event_time, counterparty AS payee,
       COUNT(DISTINCT counterparty) FILTER (WHERE direction = 'out' AND amount_ref >= $min_payment) OVER w AS payees,
       SUM(amount_ref) FILTER (WHERE direction = 'out' AND amount_ref >= $min_payment) OVER w AS sent,
       COUNT(*) OVER pair AS dealings
FROM movements
WHERE kind NOT IN ('card_payment', 'return')
  AND COALESCE(account_role, 'retail') NOT IN ('payroll', 'merchant', 'psp', 'omnibus', 'internal', 'collective')
  AND (account LIKE 'exch:%' OR NOT COALESCE(account_is_vasp, false))
  AND COALESCE(counterparty_role, 'retail') NOT IN ('payroll', 'merchant', 'psp', 'internal', 'collective')
  AND COALESCE(counterparty_customer, '?') <> COALESCE(account_customer, '-')
  AND COALESCE(counterparty_name, '?') <> COALESCE(account_name, '-')
  AND COALESCE(linked_account, '-') <> account
  AND counterparty IS NOT NULL
WINDOW w AS (PARTITION BY account ORDER BY event_time
             RANGE BETWEEN INTERVAL '72' HOUR PRECEDING AND CURRENT ROW),
       pair AS (PARTITION BY account, counterparty ORDER BY event_time
                RANGE BETWEEN INTERVAL '90' DAY PRECEDING AND CURRENT ROW)
QUALIFY direction = 'out' AND amount_ref >= $min_payment
    AND COALESCE(purpose, '-') NOT IN ('SALA', 'PAYR', 'BONU', 'PENS', 'BENE', 'SSBE')
    AND dealings = 1 AND payees BETWEEN $min_payees AND $max_payees AND sent >= $min_sent
