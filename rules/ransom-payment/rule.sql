-- A first payment to somebody abroad speaks of release, ransom or the price of a contract.
SELECT row_id, account AS subject, event_time, counterparty AS payee, counterparty_country,
       MIN(event_time) OVER pair AS first_dealt,
       SUM(amount_ref) FILTER (WHERE direction = 'out') OVER pair AS paid
FROM movements
WHERE kind NOT IN ('card_payment', 'return')
  AND COALESCE(account_role, 'retail') NOT IN ('business', 'payroll', 'merchant', 'psp', 'omnibus', 'internal', 'collective')
  AND (account LIKE 'exch:%' OR NOT COALESCE(account_is_vasp, false))
  AND COALESCE(counterparty_role, 'retail') NOT IN ('payroll', 'merchant', 'psp', 'internal', 'collective')
  AND COALESCE(counterparty_customer, '?') <> COALESCE(account_customer, '-')
  AND COALESCE(counterparty_name, '?') <> COALESCE(account_name, '-')
  AND COALESCE(linked_account, '-') <> account
  AND counterparty IS NOT NULL
WINDOW pair AS (PARTITION BY account, counterparty ORDER BY event_time
                RANGE BETWEEN INTERVAL '90' DAY PRECEDING AND CURRENT ROW)
QUALIFY direction = 'out' AND amount_ref >= $min_payment AND first_dealt >= event_time - INTERVAL '7' DAY
    AND lower(remittance) ~ $words
