-- An exchange account of less than a week passes what was deposited on almost whole within the hour.
SELECT m.row_id, m.account AS subject, m.event_time, m.counterparty AS payee, a.opened_at,
       SUM(m.amount_ref) FILTER (WHERE m.direction = 'in') OVER w AS deposited,
       SUM(m.amount_ref) FILTER (WHERE m.direction = 'out') OVER w AS withdrawn
FROM movements m LEFT JOIN accounts a ON m.account = a.account
WHERE m.kind IN ('deposit', 'withdrawal', 'internal_transfer') AND m.account LIKE 'exch:%'
  AND COALESCE(m.account_role, 'retail') NOT IN ('payroll', 'merchant', 'psp', 'omnibus', 'internal', 'collective')
WINDOW w AS (PARTITION BY m.account ORDER BY m.event_time
             RANGE BETWEEN INTERVAL '1' HOUR PRECEDING AND CURRENT ROW)
QUALIFY m.direction = 'out' AND m.amount_ref >= $min_payment AND a.opened_at > m.event_time - INTERVAL '7' DAY
    AND deposited >= $min_deposited AND withdrawn BETWEEN $min_share * deposited AND $max_share * deposited
