-- Several amounts just below the reporting limit, which together reach it: somebody splits what would have been reported.
SELECT row_id, account AS subject, event_time, direction,
       COUNT(*) FILTER (
           WHERE direction = 'in' AND amount_ref >= $band_from AND amount_ref < $reporting_limit) OVER w AS parts_in,
       SUM(amount_ref) FILTER (
           WHERE direction = 'in' AND amount_ref >= $band_from AND amount_ref < $reporting_limit) OVER w AS total_in,
       COUNT(*) FILTER (
           WHERE direction = 'out' AND amount_ref >= $band_from AND amount_ref < $reporting_limit) OVER w AS parts_out,
       SUM(amount_ref) FILTER (
           WHERE direction = 'out' AND amount_ref >= $band_from AND amount_ref < $reporting_limit) OVER w AS total_out
FROM movements
WHERE kind NOT IN ('card_payment', 'return')
  AND COALESCE(account_role, 'retail') NOT IN ('business', 'payroll', 'merchant', 'psp', 'omnibus', 'internal', 'collective')
  AND (account LIKE 'exch:%' OR NOT COALESCE(account_is_vasp, false))
  AND COALESCE(linked_account, '-') <> account
WINDOW w AS (PARTITION BY account ORDER BY event_time
             RANGE BETWEEN INTERVAL '7' DAY PRECEDING AND CURRENT ROW)
QUALIFY amount_ref >= $band_from AND amount_ref < $reporting_limit
    AND (direction = 'in' AND parts_in >= $min_parts AND total_in >= $reporting_limit
      OR direction = 'out' AND parts_out >= $min_parts AND total_out >= $reporting_limit)
