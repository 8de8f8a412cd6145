-- How many of the three payments before are within the tolerance of this one.
SELECT row_id, account AS subject, event_time, amount_ref,
       LAG(event_time, 3) OVER steps AS began,
       (CASE WHEN LAG(amount_ref, 1) OVER steps BETWEEN (1 - $tolerance) * amount_ref AND (1 + $tolerance) * amount_ref THEN 1 ELSE 0 END
            + CASE WHEN LAG(amount_ref, 2) OVER steps BETWEEN (1 - $tolerance) * amount_ref AND (1 + $tolerance) * amount_ref THEN 1 ELSE 0 END
            + CASE WHEN LAG(amount_ref, 3) OVER steps BETWEEN (1 - $tolerance) * amount_ref AND (1 + $tolerance) * amount_ref THEN 1 ELSE 0 END) AS similar,
       CASE WHEN (CASE WHEN LAG(amount_ref, 1) OVER steps BETWEEN (1 - $tolerance) * amount_ref AND (1 + $tolerance) * amount_ref THEN 1 ELSE 0 END
            + CASE WHEN LAG(amount_ref, 2) OVER steps BETWEEN (1 - $tolerance) * amount_ref AND (1 + $tolerance) * amount_ref THEN 1 ELSE 0 END
            + CASE WHEN LAG(amount_ref, 3) OVER steps BETWEEN (1 - $tolerance) * amount_ref AND (1 + $tolerance) * amount_ref THEN 1 ELSE 0 END) < $limit
            THEN '.01' ELSE '.02' END AS band
FROM movements
WHERE kind = 'credit_transfer' AND counterparty IS NOT NULL AND direction = 'out' AND amount_ref IS NOT NULL
WINDOW steps AS (PARTITION BY account ORDER BY event_time, row_id)
QUALIFY began >= event_time - INTERVAL '365' DAY
