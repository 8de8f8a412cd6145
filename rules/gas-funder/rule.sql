-- One wallet sends the price of some transactions to many wallets within a day, the latest of them new.
SELECT row_id, account AS subject, event_time, counterparty AS wallet,
       COUNT(DISTINCT counterparty) FILTER (WHERE direction = 'out' AND amount <= $max_gas) OVER day AS wallets,
       MIN(event_time) OVER wallet AS first_seen
FROM movements
WHERE kind = 'chain_transfer' AND counterparty IS NOT NULL
  AND COALESCE(account_role, 'retail') NOT IN ('payroll', 'merchant', 'psp', 'omnibus', 'internal', 'collective')
  AND NOT COALESCE(account_is_vasp, false)
WINDOW day AS (PARTITION BY account ORDER BY event_time
               RANGE BETWEEN INTERVAL '24' HOUR PRECEDING AND CURRENT ROW),
       wallet AS (PARTITION BY counterparty ORDER BY event_time
                  RANGE BETWEEN INTERVAL '90' DAY PRECEDING AND CURRENT ROW)
QUALIFY direction = 'out' AND amount <= $max_gas AND wallets >= $min_wallets
    AND first_seen > event_time - INTERVAL '1' HOUR
