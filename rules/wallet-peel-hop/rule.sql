-- A wallet first seen within two days passes dollar coins of one sender on within half an hour, and next to nothing stays.
SELECT row_id, account AS subject, event_time, counterparty AS payee,
       COUNT(DISTINCT counterparty) FILTER (WHERE direction = 'in') OVER hop AS payers,
       COUNT(DISTINCT counterparty) FILTER (WHERE direction = 'out') OVER hop AS payees,
       SUM(CAST(amount AS DECIMAL(38, 6))) FILTER (WHERE direction = 'in') OVER hop AS received,
       SUM(CAST(amount AS DECIMAL(38, 6))) FILTER (WHERE direction = 'out') OVER hop AS sent,
       MIN(event_time) OVER past AS first_seen
FROM movements
WHERE kind = 'token_transfer' AND currency IN ('USDT', 'USDC', 'DAI') AND counterparty IS NOT NULL
  AND COALESCE(account_role, 'retail') NOT IN ('payroll', 'merchant', 'psp', 'omnibus', 'internal', 'collective')
  AND NOT COALESCE(account_is_vasp, false)
WINDOW hop AS (PARTITION BY account ORDER BY event_time
               RANGE BETWEEN INTERVAL '30' MINUTE PRECEDING AND CURRENT ROW),
       past AS (PARTITION BY account ORDER BY event_time
                RANGE BETWEEN INTERVAL '90' DAY PRECEDING AND CURRENT ROW)
QUALIFY direction = 'out' AND received >= $min_received AND payers = 1 AND payees <= $max_payees
    AND sent BETWEEN $min_share * received AND received AND first_seen > event_time - INTERVAL '48' HOUR
