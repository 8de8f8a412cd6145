-- Cash is paid in several times within three days, each time below the reporting limit, together at least that.
SELECT row_id, account AS subject, event_time, channel,
       COUNT(*) FILTER (WHERE amount_ref < $reporting_limit) OVER w AS parts,
       SUM(amount_ref) FILTER (WHERE amount_ref < $reporting_limit) OVER w AS total
FROM movements
WHERE kind = 'cash_deposit'
  AND COALESCE(account_role, 'retail') NOT IN ('business', 'payroll', 'merchant', 'psp', 'omnibus', 'internal', 'collective')
WINDOW w AS (PARTITION BY account ORDER BY event_time
             RANGE BETWEEN INTERVAL '72' HOUR PRECEDING AND CURRENT ROW)
QUALIFY direction = 'in' AND amount_ref < $reporting_limit AND parts >= $min_parts AND total >= $reporting_limit
