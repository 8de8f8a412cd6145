-- Somebody first dealt with in the last month pays this account growing sums: the payee's end of a victim led on.
SELECT row_id, account AS subject, event_time, counterparty AS payer,
       COUNT(*) FILTER (WHERE direction = 'in') OVER pair AS payments,
       SUM(amount_ref) FILTER (WHERE direction = 'in') OVER pair AS received,
       MIN(amount_ref) FILTER (WHERE direction = 'in') OVER pair AS smallest,
       MIN(event_time) OVER pair AS first_dealt
FROM movements
WHERE kind NOT IN ('card_payment', 'return')
  AND (account LIKE 'iban:%' OR account LIKE 'acct:%')
  AND COALESCE(account_role, 'retail') NOT IN ('business', 'payroll', 'merchant', 'psp', 'omnibus', 'internal', 'collective')
  AND NOT COALESCE(account_is_vasp, false)
  AND NOT COALESCE(counterparty_is_vasp, false)
  AND COALESCE(counterparty_role, 'retail') NOT IN ('business', 'payroll', 'merchant', 'psp', 'omnibus', 'internal', 'collective')
  AND COALESCE(counterparty_customer, '?') <> COALESCE(account_customer, '-')
  AND COALESCE(counterparty_name, '?') <> COALESCE(account_name, '-')
  AND COALESCE(linked_account, '-') <> account
  AND counterparty IS NOT NULL
WINDOW pair AS (PARTITION BY account, counterparty ORDER BY event_time
                RANGE BETWEEN INTERVAL '90' DAY PRECEDING AND CURRENT ROW)
QUALIFY direction = 'in' AND amount_ref >= $min_payment
    AND COALESCE(purpose, '-') NOT IN ('SALA', 'PAYR', 'BONU', 'PENS', 'BENE', 'SSBE')
    AND first_dealt >= event_time - INTERVAL '30' DAY
    AND payments >= 2 AND received >= $min_received AND amount_ref >= $min_growth * smallest
