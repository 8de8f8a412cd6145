-- An account that never paid anybody at night does so several times in one.
SELECT row_id, account AS subject, event_time, counterparty AS payee,
       COUNT(*) FILTER (
           WHERE direction = 'out' AND date_part('hour', event_time) >= $night_from AND date_part('hour', event_time) < $night_to)
           OVER night AS night_payments,
       SUM(amount_ref) FILTER (
           WHERE direction = 'out' AND date_part('hour', event_time) >= $night_from AND date_part('hour', event_time) < $night_to)
           OVER night AS night_paid,
       COUNT(*) FILTER (
           WHERE direction = 'out' AND date_part('hour', event_time) >= $night_from AND date_part('hour', event_time) < $night_to)
           OVER past AS night_payments_past,
       COUNT(*) FILTER (WHERE direction = 'out') OVER past AS payments_past
FROM movements
WHERE kind NOT IN ('card_payment', 'return')
  AND COALESCE(account_role, 'retail') NOT IN ('business', 'payroll', 'merchant', 'psp', 'omnibus', 'internal', 'collective')
  AND (account LIKE 'exch:%' OR NOT COALESCE(account_is_vasp, false))
  AND COALESCE(counterparty_role, 'retail') NOT IN ('payroll', 'merchant', 'psp', 'internal', 'collective')
  AND COALESCE(counterparty_customer, '?') <> COALESCE(account_customer, '-')
  AND COALESCE(counterparty_name, '?') <> COALESCE(account_name, '-')
  AND COALESCE(linked_account, '-') <> account
  AND COALESCE(channel, 'online') IN ('online', 'mobile')
WINDOW night AS (PARTITION BY account ORDER BY event_time
                 RANGE BETWEEN INTERVAL '6' HOUR PRECEDING AND CURRENT ROW),
       past AS (PARTITION BY account ORDER BY event_time
                RANGE BETWEEN INTERVAL '90' DAY PRECEDING AND CURRENT ROW)
QUALIFY direction = 'out' AND date_part('hour', event_time) >= $night_from AND date_part('hour', event_time) < $night_to
    AND night_payments >= $min_payments AND night_paid >= $min_paid
    AND night_payments_past = night_payments AND payments_past - night_payments >= $min_history
