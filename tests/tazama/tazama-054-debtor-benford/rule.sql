-- The sum of (observed - expected)^2 / expected over the nine digits, without a quotient: the observed squares, each over its
-- share, against n (n + limit).
SELECT row_id, account AS subject, event_time,
       COUNT(*) OVER history AS payments,
       CASE WHEN $w1 * COUNT(*) FILTER (WHERE left(ltrim(replace(CAST(amount_ref AS VARCHAR), '.', ''), '0'), 1) = '1') OVER history * COUNT(*) FILTER (WHERE left(ltrim(replace(CAST(amount_ref AS VARCHAR), '.', ''), '0'), 1) = '1') OVER history
            + $w2 * COUNT(*) FILTER (WHERE left(ltrim(replace(CAST(amount_ref AS VARCHAR), '.', ''), '0'), 1) = '2') OVER history * COUNT(*) FILTER (WHERE left(ltrim(replace(CAST(amount_ref AS VARCHAR), '.', ''), '0'), 1) = '2') OVER history
            + $w3 * COUNT(*) FILTER (WHERE left(ltrim(replace(CAST(amount_ref AS VARCHAR), '.', ''), '0'), 1) = '3') OVER history * COUNT(*) FILTER (WHERE left(ltrim(replace(CAST(amount_ref AS VARCHAR), '.', ''), '0'), 1) = '3') OVER history
            + $w4 * COUNT(*) FILTER (WHERE left(ltrim(replace(CAST(amount_ref AS VARCHAR), '.', ''), '0'), 1) = '4') OVER history * COUNT(*) FILTER (WHERE left(ltrim(replace(CAST(amount_ref AS VARCHAR), '.', ''), '0'), 1) = '4') OVER history
            + $w5 * COUNT(*) FILTER (WHERE left(ltrim(replace(CAST(amount_ref AS VARCHAR), '.', ''), '0'), 1) = '5') OVER history * COUNT(*) FILTER (WHERE left(ltrim(replace(CAST(amount_ref AS VARCHAR), '.', ''), '0'), 1) = '5') OVER history
            + $w6 * COUNT(*) FILTER (WHERE left(ltrim(replace(CAST(amount_ref AS VARCHAR), '.', ''), '0'), 1) = '6') OVER history * COUNT(*) FILTER (WHERE left(ltrim(replace(CAST(amount_ref AS VARCHAR), '.', ''), '0'), 1) = '6') OVER history
            + $w7 * COUNT(*) FILTER (WHERE left(ltrim(replace(CAST(amount_ref AS VARCHAR), '.', ''), '0'), 1) = '7') OVER history * COUNT(*) FILTER (WHERE left(ltrim(replace(CAST(amount_ref AS VARCHAR), '.', ''), '0'), 1) = '7') OVER history
            + $w8 * COUNT(*) FILTER (WHERE left(ltrim(replace(CAST(amount_ref AS VARCHAR), '.', ''), '0'), 1) = '8') OVER history * COUNT(*) FILTER (WHERE left(ltrim(replace(CAST(amount_ref AS VARCHAR), '.', ''), '0'), 1) = '8') OVER history
            + $w9 * COUNT(*) FILTER (WHERE left(ltrim(replace(CAST(amount_ref AS VARCHAR), '.', ''), '0'), 1) = '9') OVER history * COUNT(*) FILTER (WHERE left(ltrim(replace(CAST(amount_ref AS VARCHAR), '.', ''), '0'), 1) = '9') OVER history
            < COUNT(*) OVER history * (COUNT(*) OVER history + $limit)
            THEN '.01' ELSE '.02' END AS band
FROM movements
WHERE kind = 'credit_transfer' AND counterparty IS NOT NULL AND direction = 'out' AND amount_ref > 0
WINDOW history AS (PARTITION BY account ORDER BY event_time
                   RANGE BETWEEN INTERVAL '365' DAY PRECEDING AND CURRENT ROW)
QUALIFY payments >= $minimum
