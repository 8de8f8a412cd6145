-- Several customers behind one internet address pay the same payee within a day.
SELECT row_id, account AS subject, event_time, counterparty AS payee, ip,
       COUNT(DISTINCT COALESCE(account_customer, account)) OVER w AS customers,
       SUM(amount_ref) OVER w AS paid,
       MIN(event_time) OVER pair AS first_dealt
FROM movements
WHERE ip IS NOT NULL AND counterparty IS NOT NULL AND direction = 'out' AND kind IN ('credit_transfer', 'internal_transfer')
  AND COALESCE(channel, 'online') IN ('online', 'mobile')
  AND COALESCE(account_role, 'retail') NOT IN ('payroll', 'merchant', 'psp', 'omnibus', 'internal', 'collective')
  AND NOT COALESCE(account_is_vasp, false)
  AND NOT COALESCE(counterparty_is_vasp, false)
  AND COALESCE(counterparty_role, 'retail') NOT IN ('payroll', 'merchant', 'psp', 'omnibus', 'internal', 'collective')
WINDOW w AS (PARTITION BY ip, counterparty ORDER BY event_time
             RANGE BETWEEN INTERVAL '24' HOUR PRECEDING AND CURRENT ROW),
       pair AS (PARTITION BY account, counterparty ORDER BY event_time
                RANGE BETWEEN INTERVAL '90' DAY PRECEDING AND CURRENT ROW)
QUALIFY amount_ref >= $min_payment AND customers >= $min_customers AND first_dealt >= event_time - INTERVAL '24' HOUR
