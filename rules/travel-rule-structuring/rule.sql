-- Several coin transfers of one exchange user, one way, each just below the amount from which the parties must be named.
SELECT row_id, account AS subject, event_time, direction, counterparty,
       COUNT(*) FILTER (
           WHERE direction = 'in' AND amount_ref >= $band_from AND amount_ref < $travel_rule_limit) OVER w AS parts_in,
       COUNT(*) FILTER (
           WHERE direction = 'out' AND amount_ref >= $band_from AND amount_ref < $travel_rule_limit) OVER w AS parts_out,
       SUM(amount_ref) FILTER (WHERE amount_ref >= $band_from AND amount_ref < $travel_rule_limit) OVER w AS moved
FROM movements
WHERE kind IN ('deposit', 'withdrawal') AND account LIKE 'exch:%' AND network <> 'sepa'
  AND COALESCE(account_role, 'retail') NOT IN ('payroll', 'merchant', 'psp', 'omnibus', 'internal', 'collective')
WINDOW w AS (PARTITION BY account ORDER BY event_time
             RANGE BETWEEN INTERVAL '7' DAY PRECEDING AND CURRENT ROW)
QUALIFY amount_ref >= $band_from AND amount_ref < $travel_rule_limit
    AND (direction = 'in' AND parts_in >= $min_parts OR direction = 'out' AND parts_out >= $min_parts)
