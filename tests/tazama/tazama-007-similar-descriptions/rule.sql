-- How many letters must change to make the description of the payment before into this one.
SELECT row_id, account AS subject, event_time,
       LAG(event_time, 1) OVER steps AS began,
       LAG(remittance, 1) OVER steps AS before,
       levenshtein(LAG(remittance, 1) OVER steps, remittance) AS distance,
       CASE WHEN levenshtein(LAG(remittance, 1) OVER steps, remittance) < $limit THEN '.01'
            WHEN levenshtein(LAG(remittance, 1) OVER steps, remittance) < $second THEN '.02' ELSE '.03' END AS band
FROM movements
WHERE kind = 'credit_transfer' AND counterparty IS NOT NULL AND direction = 'out' AND remittance IS NOT NULL
WINDOW steps AS (PARTITION BY account ORDER BY event_time, row_id)
QUALIFY began >= event_time - INTERVAL '365' DAY
