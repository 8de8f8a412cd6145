-- Another bank asks for a payment back because of fraud, and names this account as the one that was paid. Reminders, and what
-- other banks on the way pass on, name the same payment: it counts once.
SELECT row_id, beneficiary AS subject, event_time, original, purpose AS reason, amount_ref AS recalled,
       COUNT(DISTINCT original) OVER account AS recalls,
       MIN(event_time) OVER payment AS first_named
FROM transactions
WHERE kind = 'recall' AND purpose IN ('FRAD', 'UAPA') AND beneficiary IS NOT NULL AND original IS NOT NULL
  AND COALESCE(beneficiary_role, 'retail') NOT IN ('payroll', 'merchant', 'psp', 'omnibus', 'internal', 'collective')
  AND NOT COALESCE(beneficiary_is_vasp, false)
WINDOW account AS (PARTITION BY beneficiary ORDER BY event_time
                   RANGE BETWEEN INTERVAL '90' DAY PRECEDING AND CURRENT ROW),
       payment AS (PARTITION BY beneficiary, original ORDER BY event_time
                   RANGE BETWEEN INTERVAL '90' DAY PRECEDING AND CURRENT ROW)
QUALIFY first_named >= event_time
