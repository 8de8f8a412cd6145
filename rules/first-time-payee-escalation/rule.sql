-- Payments to somebody first dealt with in the last month grow, or several large ones in a day take a good part of what is there.
SELECT row_id, account AS subject, event_time, counterparty AS payee, balance_ref AS balance_left,
       COUNT(*) FILTER (WHERE direction = 'out') OVER pair AS payments,
       SUM(amount_ref) FILTER (WHERE direction = 'out') OVER pair AS paid,
       MIN(amount_ref) FILTER (WHERE direction = 'out') OVER pair AS smallest,
       MIN(event_time) OVER pair AS first_dealt,
       COUNT(*) FILTER (WHERE direction = 'out' AND amount_ref >= $min_payment) OVER day AS payments_day,
       SUM(amount_ref) FILTER (WHERE direction = 'out' AND amount_ref >= $min_payment) OVER day AS paid_day
FROM movements
WHERE kind NOT IN ('card_payment', 'return')
  AND (account LIKE 'iban:%' OR account LIKE 'acct:%')
  AND COALESCE(account_role, 'retail') NOT IN ('business', 'payroll', 'merchant', 'psp', 'omnibus', 'internal', 'collective')
  AND NOT COALESCE(account_is_vasp, false)
  AND COALESCE(counterparty_role, 'retail') NOT IN ('payroll', 'merchant', 'psp', 'internal', 'collective')
  AND COALESCE(counterparty_customer, '?') <> COALESCE(account_customer, '-')
  AND COALESCE(counterparty_name, '?') <> COALESCE(account_name, '-')
  AND COALESCE(linked_account, '-') <> account
  AND counterparty IS NOT NULL
WINDOW pair AS (PARTITION BY account, counterparty ORDER BY event_time
                RANGE BETWEEN INTERVAL '90' DAY PRECEDING AND CURRENT ROW),
       day AS (PARTITION BY account ORDER BY event_time
               RANGE BETWEEN INTERVAL '24' HOUR PRECEDING AND CURRENT ROW)
QUALIFY direction = 'out' AND amount_ref >= $min_payment AND first_dealt >= event_time - INTERVAL '30' DAY
    AND (payments >= 2 AND paid >= $min_paid AND amount_ref >= $min_growth * smallest
      OR payments_day >= 2 AND paid_day >= $min_paid AND paid_day >= $min_wealth_share * (balance_ref + paid_day))
