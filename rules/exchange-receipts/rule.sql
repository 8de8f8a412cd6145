-- Exchanges pay an account several times within a month that never paid one: coins of somebody else become money here.
SELECT row_id, account AS subject, event_time, counterparty AS exchange,
       COUNT(*) FILTER (WHERE direction = 'in') OVER month AS receipts,
       SUM(amount_ref) FILTER (WHERE direction = 'in') OVER month AS received,
       COUNT(*) FILTER (WHERE direction = 'out') OVER past AS ever_paid
FROM movements
WHERE kind IN ('credit_transfer', 'card_payment') AND counterparty_is_vasp
  AND COALESCE(account_role, 'retail') NOT IN ('payroll', 'merchant', 'psp', 'omnibus', 'internal', 'collective')
  AND NOT COALESCE(account_is_vasp, false)
WINDOW month AS (PARTITION BY account ORDER BY event_time
                 RANGE BETWEEN INTERVAL '30' DAY PRECEDING AND CURRENT ROW),
       past AS (PARTITION BY account ORDER BY event_time
                RANGE BETWEEN INTERVAL '90' DAY PRECEDING AND CURRENT ROW)
QUALIFY direction = 'in' AND amount_ref >= $min_payment AND ever_paid = 0
    AND (receipts >= $min_receipts AND received >= $min_received OR received >= $min_received_month)
