-- A payment of next to nothing to somebody never dealt with before, and within the hour one a hundred times as large.
SELECT row_id, account AS subject, event_time, counterparty AS payee,
       COUNT(*) FILTER (WHERE direction = 'out') OVER hour AS payments,
       MIN(amount_ref) FILTER (WHERE direction = 'out') OVER hour AS probe,
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
WINDOW hour AS (PARTITION BY account, counterparty ORDER BY event_time
                RANGE BETWEEN INTERVAL '1' HOUR PRECEDING AND CURRENT ROW),
       past AS (PARTITION BY account, counterparty ORDER BY event_time
                RANGE BETWEEN INTERVAL '90' DAY PRECEDING AND CURRENT ROW)
QUALIFY direction = 'out' AND probe <= $max_probe AND amount_ref >= $min_times * probe AND amount_ref >= $min_payment
    AND first_dealt >= event_time - INTERVAL '1' HOUR
