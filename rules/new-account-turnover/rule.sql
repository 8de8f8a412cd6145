-- An account opened less than three months ago already receives real money from others.
SELECT m.row_id, m.account AS subject, m.event_time, m.direction, m.counterparty, a.opened_at,
       SUM(m.amount_ref) FILTER (WHERE m.direction = 'in') OVER w AS received
FROM movements m LEFT JOIN accounts a ON m.account = a.account
WHERE m.kind NOT IN ('card_payment', 'return')
  AND COALESCE(m.account_role, 'retail') NOT IN ('business', 'payroll', 'merchant', 'psp', 'omnibus', 'internal', 'collective')
  AND NOT COALESCE(m.account_is_vasp, false)
  AND COALESCE(m.counterparty_role, 'retail') NOT IN ('payroll', 'merchant', 'psp', 'internal', 'collective')
  AND COALESCE(m.purpose, '-') NOT IN ('SALA', 'PAYR', 'BONU', 'PENS', 'BENE', 'SSBE')
  AND COALESCE(m.counterparty_customer, '?') <> COALESCE(m.account_customer, '-')
  AND COALESCE(m.counterparty_name, '?') <> COALESCE(m.account_name, '-')
  AND COALESCE(m.linked_account, '-') <> m.account
WINDOW w AS (PARTITION BY m.account ORDER BY m.event_time
             RANGE BETWEEN INTERVAL '72' HOUR PRECEDING AND CURRENT ROW)
QUALIFY m.amount_ref >= $min_payment AND a.opened_at > m.event_time - INTERVAL '90' DAY AND received >= $min_received
