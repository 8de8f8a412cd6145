-- At least five payers within a week, the latest first dealt with in that week: takings that gather slowly.
SELECT row_id, account AS subject, event_time, counterparty AS payer,
       COUNT(DISTINCT counterparty) FILTER (WHERE direction = 'in' AND amount_ref >= $min_payment) OVER w AS payers,
       SUM(amount_ref) FILTER (WHERE direction = 'in' AND amount_ref >= $min_payment) OVER w AS received,
       MIN(event_time) OVER pair AS first_dealt
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
             RANGE BETWEEN INTERVAL '7' DAY PRECEDING AND CURRENT ROW),
       pair AS (PARTITION BY account, counterparty ORDER BY event_time
                RANGE BETWEEN INTERVAL '90' DAY PRECEDING AND CURRENT ROW)
QUALIFY direction = 'in' AND amount_ref >= $min_payment
    AND COALESCE(purpose, '-') NOT IN ('SALA', 'PAYR', 'BONU', 'PENS', 'BENE', 'SSBE')
    AND first_dealt >= event_time - INTERVAL '7' DAY
    AND payers BETWEEN $min_payers AND $max_payers AND received >= $min_received
