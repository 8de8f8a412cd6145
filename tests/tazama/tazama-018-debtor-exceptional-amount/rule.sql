-- The amount against the largest of those before, in the three months that maxQueryRange (7,889,229,000 ms) is.
SELECT row_id, account AS subject, event_time, amount_ref,
       MAX(amount_ref) OVER before AS largest,
       CASE WHEN amount_ref < $factor * MAX(amount_ref) OVER before THEN '.01' ELSE '.02' END AS band
FROM movements
WHERE kind = 'credit_transfer' AND counterparty IS NOT NULL AND direction = 'out' AND amount_ref IS NOT NULL
WINDOW before AS (PARTITION BY account ORDER BY event_time
                  RANGE BETWEEN INTERVAL '7889229' SECOND PRECEDING AND INTERVAL '1' MILLISECOND PRECEDING)
QUALIFY largest IS NOT NULL
