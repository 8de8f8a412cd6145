-- More than half of a large balance leaves through digital channels within a day, or nearly all of a smaller one to others
-- than exchanges.
-- What came from others in the last three days was not the account's own and does not count as its balance, whatever it says
-- that it is: a mule could pass for a victim by being paid "wages".
SELECT row_id, account AS subject, event_time, counterparty AS payee, balance_ref AS balance_left,
       SUM(amount_ref) FILTER (
           WHERE direction = 'out' AND COALESCE(channel, 'online') NOT IN ('branch', 'atm')) OVER day AS drained,
       SUM(amount_ref) FILTER (
           WHERE direction = 'out' AND COALESCE(channel, 'online') NOT IN ('branch', 'atm')
             AND NOT COALESCE(counterparty_is_vasp, false)
             AND COALESCE(counterparty_role, 'retail') <> 'omnibus') OVER day AS to_others,
       SUM(amount_ref) FILTER (WHERE direction = 'out') OVER day AS sent,
       COALESCE(SUM(amount_ref) FILTER (WHERE direction = 'in') OVER days, 0) AS received
FROM movements
WHERE kind NOT IN ('card_payment', 'return')
  AND COALESCE(account_role, 'retail') NOT IN ('business', 'payroll', 'merchant', 'psp', 'omnibus', 'internal', 'collective')
  AND NOT COALESCE(account_is_vasp, false)
  AND COALESCE(counterparty_role, 'retail') NOT IN ('payroll', 'merchant', 'psp', 'internal', 'collective')
  AND COALESCE(counterparty_customer, '?') <> COALESCE(account_customer, '-')
  AND COALESCE(counterparty_name, '?') <> COALESCE(account_name, '-')
  AND COALESCE(linked_account, '-') <> account
WINDOW day AS (PARTITION BY account ORDER BY event_time
               RANGE BETWEEN INTERVAL '24' HOUR PRECEDING AND CURRENT ROW),
       days AS (PARTITION BY account ORDER BY event_time
                RANGE BETWEEN INTERVAL '72' HOUR PRECEDING AND CURRENT ROW)
QUALIFY direction = 'out' AND COALESCE(channel, 'online') NOT IN ('branch', 'atm') AND amount_ref >= $min_payment
    AND (balance_ref + sent - received >= $min_balance AND drained > $min_share * (balance_ref + sent - received)
      OR balance_ref + sent - received >= $min_emptied AND to_others > $emptied_share * (balance_ref + sent - received))
