-- One device gives orders for accounts of several customers: a herd of mules run from one telephone.
SELECT row_id, account AS subject, event_time, device,
       COUNT(DISTINCT account) OVER w AS accounts,
       COUNT(DISTINCT COALESCE(account_customer, account)) OVER w AS customers
FROM movements
WHERE device IS NOT NULL AND COALESCE(channel, 'online') IN ('online', 'mobile')
  AND (direction = 'out' AND kind <> 'deposit' OR direction = 'in' AND kind = 'deposit')
  AND COALESCE(account_role, 'retail') NOT IN ('payroll', 'merchant', 'psp', 'omnibus', 'internal', 'collective')
  AND COALESCE(linked_account, '-') <> account
WINDOW w AS (PARTITION BY device ORDER BY event_time
             RANGE BETWEEN INTERVAL '30' DAY PRECEDING AND CURRENT ROW)
QUALIFY amount_ref >= $min_payment AND customers >= $min_customers
