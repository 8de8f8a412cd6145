-- An account opened long ago, without a movement for half a year, pays out real money within three days of waking.
SELECT m.row_id, m.account AS subject, m.event_time, m.counterparty AS payee,
       COUNT(*) OVER days AS movements_days,
       COUNT(*) OVER past AS movements_past,
       SUM(m.amount_ref) FILTER (WHERE m.direction = 'out') OVER days AS sent
FROM movements m LEFT JOIN accounts a ON m.account = a.account
WHERE m.kind NOT IN ('card_payment', 'return')
  AND COALESCE(m.account_role, 'retail') NOT IN ('payroll', 'merchant', 'psp', 'omnibus', 'internal', 'collective')
  AND (m.account LIKE 'exch:%' OR NOT COALESCE(m.account_is_vasp, false))
  AND COALESCE(m.counterparty_role, 'retail') <> 'internal'
  AND COALESCE(m.linked_account, '-') <> m.account
WINDOW days AS (PARTITION BY m.account ORDER BY m.event_time
                RANGE BETWEEN INTERVAL '72' HOUR PRECEDING AND CURRENT ROW),
       past AS (PARTITION BY m.account ORDER BY m.event_time
                RANGE BETWEEN INTERVAL '180' DAY PRECEDING AND CURRENT ROW)
QUALIFY m.direction = 'out' AND m.amount_ref >= $min_payment AND a.opened_at <= m.event_time - INTERVAL '180' DAY
    AND movements_days = movements_past AND sent >= $min_sent
