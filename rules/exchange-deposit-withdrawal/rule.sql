-- What is deposited at an exchange leaves it again almost whole within a day: a stop on the way, not a place to trade.
SELECT row_id, account AS subject, event_time, counterparty AS payee,
       SUM(amount_ref) FILTER (WHERE direction = 'in') OVER w AS deposited,
       SUM(amount_ref) FILTER (WHERE direction = 'out') OVER w AS withdrawn
FROM movements
WHERE kind IN ('deposit', 'withdrawal', 'internal_transfer') AND account LIKE 'exch:%'
  AND COALESCE(account_role, 'retail') NOT IN ('payroll', 'merchant', 'psp', 'omnibus', 'internal', 'collective')
WINDOW w AS (PARTITION BY account ORDER BY event_time
             RANGE BETWEEN INTERVAL '24' HOUR PRECEDING AND CURRENT ROW)
QUALIFY direction = 'out' AND amount_ref >= $min_payment AND deposited >= $min_deposited
    AND withdrawn BETWEEN $min_share * deposited AND $max_share * deposited
