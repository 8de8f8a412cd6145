-- Money goes for the first time to a place that a designation of scam centres names, or comes from it.
SELECT row_id, account AS subject, event_time, direction, counterparty, counterparty_country,
       MIN(event_time) OVER pair AS first_dealt
FROM movements
WHERE kind NOT IN ('card_payment', 'return')
  AND COALESCE(account_role, 'retail') NOT IN ('business', 'payroll', 'merchant', 'psp', 'omnibus', 'internal', 'collective')
  AND (account LIKE 'exch:%' OR NOT COALESCE(account_is_vasp, false))
  AND COALESCE(counterparty_role, 'retail') NOT IN ('payroll', 'merchant', 'psp', 'internal', 'collective')
  AND COALESCE(counterparty_customer, '?') <> COALESCE(account_customer, '-')
  AND COALESCE(counterparty_name, '?') <> COALESCE(account_name, '-')
  AND COALESCE(linked_account, '-') <> account
  AND counterparty IS NOT NULL
WINDOW pair AS (PARTITION BY account, counterparty ORDER BY event_time
                RANGE BETWEEN INTERVAL '90' DAY PRECEDING AND CURRENT ROW)
QUALIFY amount_ref >= $min_payment AND first_dealt >= event_time - INTERVAL '30' DAY
    AND (strpos($countries, COALESCE(counterparty_country, '?')) > 0
      OR lower(counterparty_name) ~ $places OR lower(remittance) ~ $places)
