-- How many of the day's payments, of this one and the 20 before it, are within the tolerance of this one.
SELECT row_id, account AS subject, event_time, amount_ref,
       LAG(event_time, 1) OVER today AS earlier,
       (1 + CASE WHEN LAG(amount_ref, 1) OVER today BETWEEN (1 - $tolerance) * amount_ref AND (1 + $tolerance) * amount_ref THEN 1 ELSE 0 END
            + CASE WHEN LAG(amount_ref, 2) OVER today BETWEEN (1 - $tolerance) * amount_ref AND (1 + $tolerance) * amount_ref THEN 1 ELSE 0 END
            + CASE WHEN LAG(amount_ref, 3) OVER today BETWEEN (1 - $tolerance) * amount_ref AND (1 + $tolerance) * amount_ref THEN 1 ELSE 0 END
            + CASE WHEN LAG(amount_ref, 4) OVER today BETWEEN (1 - $tolerance) * amount_ref AND (1 + $tolerance) * amount_ref THEN 1 ELSE 0 END
            + CASE WHEN LAG(amount_ref, 5) OVER today BETWEEN (1 - $tolerance) * amount_ref AND (1 + $tolerance) * amount_ref THEN 1 ELSE 0 END
            + CASE WHEN LAG(amount_ref, 6) OVER today BETWEEN (1 - $tolerance) * amount_ref AND (1 + $tolerance) * amount_ref THEN 1 ELSE 0 END
            + CASE WHEN LAG(amount_ref, 7) OVER today BETWEEN (1 - $tolerance) * amount_ref AND (1 + $tolerance) * amount_ref THEN 1 ELSE 0 END
            + CASE WHEN LAG(amount_ref, 8) OVER today BETWEEN (1 - $tolerance) * amount_ref AND (1 + $tolerance) * amount_ref THEN 1 ELSE 0 END
            + CASE WHEN LAG(amount_ref, 9) OVER today BETWEEN (1 - $tolerance) * amount_ref AND (1 + $tolerance) * amount_ref THEN 1 ELSE 0 END
            + CASE WHEN LAG(amount_ref, 10) OVER today BETWEEN (1 - $tolerance) * amount_ref AND (1 + $tolerance) * amount_ref THEN 1 ELSE 0 END
            + CASE WHEN LAG(amount_ref, 11) OVER today BETWEEN (1 - $tolerance) * amount_ref AND (1 + $tolerance) * amount_ref THEN 1 ELSE 0 END
            + CASE WHEN LAG(amount_ref, 12) OVER today BETWEEN (1 - $tolerance) * amount_ref AND (1 + $tolerance) * amount_ref THEN 1 ELSE 0 END
            + CASE WHEN LAG(amount_ref, 13) OVER today BETWEEN (1 - $tolerance) * amount_ref AND (1 + $tolerance) * amount_ref THEN 1 ELSE 0 END
            + CASE WHEN LAG(amount_ref, 14) OVER today BETWEEN (1 - $tolerance) * amount_ref AND (1 + $tolerance) * amount_ref THEN 1 ELSE 0 END
            + CASE WHEN LAG(amount_ref, 15) OVER today BETWEEN (1 - $tolerance) * amount_ref AND (1 + $tolerance) * amount_ref THEN 1 ELSE 0 END
            + CASE WHEN LAG(amount_ref, 16) OVER today BETWEEN (1 - $tolerance) * amount_ref AND (1 + $tolerance) * amount_ref THEN 1 ELSE 0 END
            + CASE WHEN LAG(amount_ref, 17) OVER today BETWEEN (1 - $tolerance) * amount_ref AND (1 + $tolerance) * amount_ref THEN 1 ELSE 0 END
            + CASE WHEN LAG(amount_ref, 18) OVER today BETWEEN (1 - $tolerance) * amount_ref AND (1 + $tolerance) * amount_ref THEN 1 ELSE 0 END
            + CASE WHEN LAG(amount_ref, 19) OVER today BETWEEN (1 - $tolerance) * amount_ref AND (1 + $tolerance) * amount_ref THEN 1 ELSE 0 END
            + CASE WHEN LAG(amount_ref, 20) OVER today BETWEEN (1 - $tolerance) * amount_ref AND (1 + $tolerance) * amount_ref THEN 1 ELSE 0 END) AS similar,
       CASE WHEN (1 + CASE WHEN LAG(amount_ref, 1) OVER today BETWEEN (1 - $tolerance) * amount_ref AND (1 + $tolerance) * amount_ref THEN 1 ELSE 0 END
            + CASE WHEN LAG(amount_ref, 2) OVER today BETWEEN (1 - $tolerance) * amount_ref AND (1 + $tolerance) * amount_ref THEN 1 ELSE 0 END
            + CASE WHEN LAG(amount_ref, 3) OVER today BETWEEN (1 - $tolerance) * amount_ref AND (1 + $tolerance) * amount_ref THEN 1 ELSE 0 END
            + CASE WHEN LAG(amount_ref, 4) OVER today BETWEEN (1 - $tolerance) * amount_ref AND (1 + $tolerance) * amount_ref THEN 1 ELSE 0 END
            + CASE WHEN LAG(amount_ref, 5) OVER today BETWEEN (1 - $tolerance) * amount_ref AND (1 + $tolerance) * amount_ref THEN 1 ELSE 0 END
            + CASE WHEN LAG(amount_ref, 6) OVER today BETWEEN (1 - $tolerance) * amount_ref AND (1 + $tolerance) * amount_ref THEN 1 ELSE 0 END
            + CASE WHEN LAG(amount_ref, 7) OVER today BETWEEN (1 - $tolerance) * amount_ref AND (1 + $tolerance) * amount_ref THEN 1 ELSE 0 END
            + CASE WHEN LAG(amount_ref, 8) OVER today BETWEEN (1 - $tolerance) * amount_ref AND (1 + $tolerance) * amount_ref THEN 1 ELSE 0 END
            + CASE WHEN LAG(amount_ref, 9) OVER today BETWEEN (1 - $tolerance) * amount_ref AND (1 + $tolerance) * amount_ref THEN 1 ELSE 0 END
            + CASE WHEN LAG(amount_ref, 10) OVER today BETWEEN (1 - $tolerance) * amount_ref AND (1 + $tolerance) * amount_ref THEN 1 ELSE 0 END
            + CASE WHEN LAG(amount_ref, 11) OVER today BETWEEN (1 - $tolerance) * amount_ref AND (1 + $tolerance) * amount_ref THEN 1 ELSE 0 END
            + CASE WHEN LAG(amount_ref, 12) OVER today BETWEEN (1 - $tolerance) * amount_ref AND (1 + $tolerance) * amount_ref THEN 1 ELSE 0 END
            + CASE WHEN LAG(amount_ref, 13) OVER today BETWEEN (1 - $tolerance) * amount_ref AND (1 + $tolerance) * amount_ref THEN 1 ELSE 0 END
            + CASE WHEN LAG(amount_ref, 14) OVER today BETWEEN (1 - $tolerance) * amount_ref AND (1 + $tolerance) * amount_ref THEN 1 ELSE 0 END
            + CASE WHEN LAG(amount_ref, 15) OVER today BETWEEN (1 - $tolerance) * amount_ref AND (1 + $tolerance) * amount_ref THEN 1 ELSE 0 END
            + CASE WHEN LAG(amount_ref, 16) OVER today BETWEEN (1 - $tolerance) * amount_ref AND (1 + $tolerance) * amount_ref THEN 1 ELSE 0 END
            + CASE WHEN LAG(amount_ref, 17) OVER today BETWEEN (1 - $tolerance) * amount_ref AND (1 + $tolerance) * amount_ref THEN 1 ELSE 0 END
            + CASE WHEN LAG(amount_ref, 18) OVER today BETWEEN (1 - $tolerance) * amount_ref AND (1 + $tolerance) * amount_ref THEN 1 ELSE 0 END
            + CASE WHEN LAG(amount_ref, 19) OVER today BETWEEN (1 - $tolerance) * amount_ref AND (1 + $tolerance) * amount_ref THEN 1 ELSE 0 END
            + CASE WHEN LAG(amount_ref, 20) OVER today BETWEEN (1 - $tolerance) * amount_ref AND (1 + $tolerance) * amount_ref THEN 1 ELSE 0 END) < $limit
            THEN '.01' ELSE '.02' END AS band
FROM movements
WHERE kind = 'credit_transfer' AND counterparty IS NOT NULL AND direction = 'in' AND amount_ref IS NOT NULL
WINDOW today AS (PARTITION BY account, date_bin(INTERVAL '1' DAY, event_time) ORDER BY event_time, row_id)
QUALIFY earlier IS NOT NULL
