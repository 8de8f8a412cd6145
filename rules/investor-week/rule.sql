-- In a week that begins on any day, thirty payers or more, and 30 to 90 per cent of what came in is paid out to three or more.
SELECT LAST_VALUE(row_id ORDER BY event_time, row_id) AS row_id, account AS subject, MAX(event_time) AS event_time,
       hop(event_time, INTERVAL '1' DAY, INTERVAL '7' DAY) AS window_start,
       COUNT(DISTINCT counterparty) FILTER (WHERE direction = 'in') AS payers,
       COUNT(DISTINCT counterparty) FILTER (WHERE direction = 'out') AS payees,
       SUM(amount_ref) FILTER (WHERE direction = 'in') AS received,
       SUM(amount_ref) FILTER (WHERE direction = 'out') AS sent
FROM movements
WHERE kind NOT IN ('card_payment', 'return')
  AND COALESCE(account_role, 'retail') NOT IN ('payroll', 'merchant', 'psp', 'omnibus', 'internal', 'collective')
  AND (account LIKE 'exch:%' OR NOT COALESCE(account_is_vasp, false))
  AND COALESCE(counterparty_role, 'retail') NOT IN ('payroll', 'merchant', 'psp', 'internal', 'collective')
  AND COALESCE(counterparty_customer, '?') <> COALESCE(account_customer, '-')
  AND COALESCE(counterparty_name, '?') <> COALESCE(account_name, '-')
  AND COALESCE(linked_account, '-') <> account
  AND counterparty IS NOT NULL
GROUP BY account, hop(event_time, INTERVAL '1' DAY, INTERVAL '7' DAY)
HAVING COUNT(DISTINCT counterparty) FILTER (WHERE direction = 'in') >= $min_payers
   AND COUNT(DISTINCT counterparty) FILTER (WHERE direction = 'out') >= $min_payees
   AND SUM(amount_ref) FILTER (WHERE direction = 'out')
       BETWEEN $min_share * SUM(amount_ref) FILTER (WHERE direction = 'in')
           AND $max_share * SUM(amount_ref) FILTER (WHERE direction = 'in')
