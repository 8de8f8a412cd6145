-- Five payments or more to others with never a minute between them: no person pays like that by hand.
SELECT LAST_VALUE(row_id ORDER BY event_time, row_id) AS row_id, account AS subject, MAX(event_time) AS event_time,
       MIN(event_time) AS began, COUNT(*) AS payments, COUNT(DISTINCT counterparty) AS payees, SUM(amount_ref) AS paid
FROM movements
WHERE kind NOT IN ('card_payment', 'return')
  AND COALESCE(account_role, 'retail') NOT IN ('business', 'payroll', 'merchant', 'psp', 'omnibus', 'internal', 'collective')
  AND (account LIKE 'exch:%' OR NOT COALESCE(account_is_vasp, false))
  AND COALESCE(counterparty_role, 'retail') NOT IN ('payroll', 'merchant', 'psp', 'internal', 'collective')
  AND COALESCE(counterparty_customer, '?') <> COALESCE(account_customer, '-')
  AND COALESCE(counterparty_name, '?') <> COALESCE(account_name, '-')
  AND COALESCE(linked_account, '-') <> account
  AND COALESCE(channel, 'online') IN ('online', 'mobile') AND direction = 'out'
GROUP BY account, session(event_time, INTERVAL '59.999' SECOND)
HAVING COUNT(*) >= $min_payments AND SUM(amount_ref) >= $min_paid AND COUNT(DISTINCT counterparty) >= $min_payees
