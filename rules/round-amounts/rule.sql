-- Nearly all that an account moves within a month is in whole hundreds.
SELECT row_id, account AS subject, event_time, direction, counterparty,
       COUNT(*) OVER w AS movements_month,
       COUNT(*) FILTER (WHERE amount_ref % $unit = 0) OVER w AS round_month,
       SUM(amount_ref) FILTER (WHERE amount_ref % $unit = 0) OVER w AS round_total
FROM movements
WHERE kind NOT IN ('card_payment', 'return')
  AND COALESCE(account_role, 'retail') NOT IN ('business', 'payroll', 'merchant', 'psp', 'omnibus', 'internal', 'collective')
  AND (account LIKE 'exch:%' OR NOT COALESCE(account_is_vasp, false))
  AND COALESCE(counterparty_role, 'retail') NOT IN ('payroll', 'merchant', 'psp', 'internal', 'collective')
  AND COALESCE(counterparty_customer, '?') <> COALESCE(account_customer, '-')
  AND COALESCE(counterparty_name, '?') <> COALESCE(account_name, '-')
  AND COALESCE(linked_account, '-') <> account
WINDOW w AS (PARTITION BY account ORDER BY event_time
             RANGE BETWEEN INTERVAL '30' DAY PRECEDING AND CURRENT ROW)
QUALIFY amount_ref % $unit = 0 AND amount_ref >= $unit AND movements_month >= $min_movements
    AND round_month >= $min_share * movements_month AND round_total >= $min_total
