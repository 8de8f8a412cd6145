-- This payment is, give or take the tolerance, and less the commission, what moved the other way within a day: in one payment or in several.
SELECT row_id, account AS subject, event_time, amount_ref,
       COUNT(*) FILTER (WHERE direction = 'out') OVER w AS mirrored,
       SUM(amount_ref) FILTER (WHERE direction = 'out') OVER w AS others,
       CASE WHEN COUNT(*) FILTER (WHERE direction = 'out') OVER w < $limit THEN '.01' ELSE '.02' END AS band
FROM movements
WHERE kind = 'credit_transfer' AND counterparty IS NOT NULL
WINDOW w AS (PARTITION BY account ORDER BY event_time
             RANGE BETWEEN INTERVAL '24' HOUR PRECEDING AND CURRENT ROW)
QUALIFY direction = 'in' AND mirrored >= 1
    AND others BETWEEN $keep * (1 - $tolerance) * amount_ref AND $keep * (1 + $tolerance) * amount_ref
