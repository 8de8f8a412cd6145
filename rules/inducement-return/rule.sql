-- Somebody gives back a small payment with a little on top, and is then sent much more: the bait was taken.
SELECT row_id, account AS subject, event_time, counterparty AS payee,
       SUM(amount_ref) FILTER (WHERE direction = 'out') OVER pair AS paid,
       SUM(amount_ref) FILTER (WHERE direction = 'in') OVER pair AS given_back,
       MIN(event_time) FILTER (WHERE direction = 'out') OVER pair AS first_paid,
       MIN(event_time) FILTER (WHERE direction = 'in') OVER pair AS first_given_back
FROM movements
WHERE kind NOT IN ('card_payment', 'return')
  AND COALESCE(account_role, 'retail') NOT IN ('business', 'payroll', 'merchant', 'psp', 'omnibus', 'internal', 'collective')
  AND (account LIKE 'exch:%' OR NOT COALESCE(account_is_vasp, false))
  AND NOT COALESCE(counterparty_is_vasp, false)
  AND COALESCE(counterparty_role, 'retail') NOT IN ('payroll', 'merchant', 'psp', 'omnibus', 'internal', 'collective')
  AND COALESCE(counterparty_customer, '?') <> COALESCE(account_customer, '-')
  AND COALESCE(counterparty_name, '?') <> COALESCE(account_name, '-')
  AND COALESCE(linked_account, '-') <> account
  AND counterparty IS NOT NULL
WINDOW pair AS (PARTITION BY account, counterparty ORDER BY event_time
                RANGE BETWEEN INTERVAL '30' DAY PRECEDING AND CURRENT ROW)
QUALIFY direction = 'out' AND amount_ref >= $min_payment
    AND paid - amount_ref > 0 AND paid - amount_ref <= $max_bait
    AND given_back >= paid - amount_ref AND given_back <= $max_return * (paid - amount_ref)
    AND amount_ref >= $min_growth * (paid - amount_ref)
    AND first_given_back > first_paid AND first_given_back <= first_paid + INTERVAL '14' DAY
