-- Money of several others goes on to exchanges within two hours: somebody buys coins with what is not theirs.
SELECT row_id, account AS subject, event_time, counterparty AS payee,
       COUNT(DISTINCT counterparty) FILTER (WHERE direction = 'in') OVER w AS payers,
       SUM(amount_ref) FILTER (
           WHERE direction = 'in'
             AND COALESCE(purpose, '-') NOT IN ('SALA', 'PAYR', 'BONU', 'PENS', 'BENE', 'SSBE')) OVER w AS received,
       SUM(amount_ref) FILTER (WHERE direction = 'out' AND counterparty_is_vasp) OVER w AS to_exchanges
FROM movements
WHERE kind NOT IN ('card_payment', 'return')
  AND COALESCE(account_role, 'retail') NOT IN ('payroll', 'merchant', 'psp', 'omnibus', 'internal', 'collective')
  AND NOT COALESCE(account_is_vasp, false)
  AND COALESCE(counterparty_role, 'retail') NOT IN ('payroll', 'merchant', 'psp', 'internal', 'collective')
  AND COALESCE(counterparty_customer, '?') <> COALESCE(account_customer, '-')
  AND COALESCE(counterparty_name, '?') <> COALESCE(account_name, '-')
  AND COALESCE(linked_account, '-') <> account
WINDOW w AS (PARTITION BY account ORDER BY event_time
             RANGE BETWEEN INTERVAL '2' HOUR PRECEDING AND CURRENT ROW)
QUALIFY direction = 'out' AND counterparty_is_vasp AND amount_ref >= $min_payment
    AND payers >= $min_payers AND received >= $min_received
    AND to_exchanges BETWEEN $min_share * received AND $max_share * received
