-- An address that begins and ends like one of the last twenty payees, and is none of them: it sends next to nothing, or is paid.
SELECT row_id, account AS subject, event_time, direction, counterparty AS look_alike,
       COUNT(*) FILTER (WHERE direction = 'out') OVER days AS payments_month,
       LAG(concat(left(split_part(counterparty, ':', -1), 6), right(counterparty, 4)), 1) OVER steps AS ends_before
FROM movements
WHERE kind IN ('deposit', 'withdrawal', 'token_transfer', 'chain_transfer')
  AND (direction = 'out' OR COALESCE(amount, 0) < $max_dust)
  AND length(split_part(counterparty, ':', -1)) >= 26
  AND COALESCE(account_role, 'retail') NOT IN ('payroll', 'merchant', 'psp', 'omnibus', 'internal', 'collective')
  AND COALESCE(linked_account, '-') <> account
WINDOW steps AS (PARTITION BY account, date_bin(INTERVAL '30' DAY, event_time) ORDER BY event_time, row_id),
       days AS (PARTITION BY account ORDER BY event_time
                RANGE BETWEEN INTERVAL '30' DAY PRECEDING AND CURRENT ROW)
QUALIFY payments_month >= 1
    AND concat(left(split_part(counterparty, ':', -1), 6), right(counterparty, 4)) IN (
        LAG(CASE WHEN direction = 'out' THEN concat(left(split_part(counterparty, ':', -1), 6), right(counterparty, 4)) END, 1) OVER (PARTITION BY account, date_bin(INTERVAL '30' DAY, event_time) ORDER BY event_time, row_id),
        LAG(CASE WHEN direction = 'out' THEN concat(left(split_part(counterparty, ':', -1), 6), right(counterparty, 4)) END, 2) OVER (PARTITION BY account, date_bin(INTERVAL '30' DAY, event_time) ORDER BY event_time, row_id),
        LAG(CASE WHEN direction = 'out' THEN concat(left(split_part(counterparty, ':', -1), 6), right(counterparty, 4)) END, 3) OVER (PARTITION BY account, date_bin(INTERVAL '30' DAY, event_time) ORDER BY event_time, row_id),
        LAG(CASE WHEN direction = 'out' THEN concat(left(split_part(counterparty, ':', -1), 6), right(counterparty, 4)) END, 4) OVER (PARTITION BY account, date_bin(INTERVAL '30' DAY, event_time) ORDER BY event_time, row_id),
        LAG(CASE WHEN direction = 'out' THEN concat(left(split_part(counterparty, ':', -1), 6), right(counterparty, 4)) END, 5) OVER (PARTITION BY account, date_bin(INTERVAL '30' DAY, event_time) ORDER BY event_time, row_id),
        LAG(CASE WHEN direction = 'out' THEN concat(left(split_part(counterparty, ':', -1), 6), right(counterparty, 4)) END, 6) OVER (PARTITION BY account, date_bin(INTERVAL '30' DAY, event_time) ORDER BY event_time, row_id),
        LAG(CASE WHEN direction = 'out' THEN concat(left(split_part(counterparty, ':', -1), 6), right(counterparty, 4)) END, 7) OVER (PARTITION BY account, date_bin(INTERVAL '30' DAY, event_time) ORDER BY event_time, row_id),
        LAG(CASE WHEN direction = 'out' THEN concat(left(split_part(counterparty, ':', -1), 6), right(counterparty, 4)) END, 8) OVER (PARTITION BY account, date_bin(INTERVAL '30' DAY, event_time) ORDER BY event_time, row_id),
        LAG(CASE WHEN direction = 'out' THEN concat(left(split_part(counterparty, ':', -1), 6), right(counterparty, 4)) END, 9) OVER (PARTITION BY account, date_bin(INTERVAL '30' DAY, event_time) ORDER BY event_time, row_id),
        LAG(CASE WHEN direction = 'out' THEN concat(left(split_part(counterparty, ':', -1), 6), right(counterparty, 4)) END, 10) OVER (PARTITION BY account, date_bin(INTERVAL '30' DAY, event_time) ORDER BY event_time, row_id),
        LAG(CASE WHEN direction = 'out' THEN concat(left(split_part(counterparty, ':', -1), 6), right(counterparty, 4)) END, 11) OVER (PARTITION BY account, date_bin(INTERVAL '30' DAY, event_time) ORDER BY event_time, row_id),
        LAG(CASE WHEN direction = 'out' THEN concat(left(split_part(counterparty, ':', -1), 6), right(counterparty, 4)) END, 12) OVER (PARTITION BY account, date_bin(INTERVAL '30' DAY, event_time) ORDER BY event_time, row_id),
        LAG(CASE WHEN direction = 'out' THEN concat(left(split_part(counterparty, ':', -1), 6), right(counterparty, 4)) END, 13) OVER (PARTITION BY account, date_bin(INTERVAL '30' DAY, event_time) ORDER BY event_time, row_id),
        LAG(CASE WHEN direction = 'out' THEN concat(left(split_part(counterparty, ':', -1), 6), right(counterparty, 4)) END, 14) OVER (PARTITION BY account, date_bin(INTERVAL '30' DAY, event_time) ORDER BY event_time, row_id),
        LAG(CASE WHEN direction = 'out' THEN concat(left(split_part(counterparty, ':', -1), 6), right(counterparty, 4)) END, 15) OVER (PARTITION BY account, date_bin(INTERVAL '30' DAY, event_time) ORDER BY event_time, row_id),
        LAG(CASE WHEN direction = 'out' THEN concat(left(split_part(counterparty, ':', -1), 6), right(counterparty, 4)) END, 16) OVER (PARTITION BY account, date_bin(INTERVAL '30' DAY, event_time) ORDER BY event_time, row_id),
        LAG(CASE WHEN direction = 'out' THEN concat(left(split_part(counterparty, ':', -1), 6), right(counterparty, 4)) END, 17) OVER (PARTITION BY account, date_bin(INTERVAL '30' DAY, event_time) ORDER BY event_time, row_id),
        LAG(CASE WHEN direction = 'out' THEN concat(left(split_part(counterparty, ':', -1), 6), right(counterparty, 4)) END, 18) OVER (PARTITION BY account, date_bin(INTERVAL '30' DAY, event_time) ORDER BY event_time, row_id),
        LAG(CASE WHEN direction = 'out' THEN concat(left(split_part(counterparty, ':', -1), 6), right(counterparty, 4)) END, 19) OVER (PARTITION BY account, date_bin(INTERVAL '30' DAY, event_time) ORDER BY event_time, row_id),
        LAG(CASE WHEN direction = 'out' THEN concat(left(split_part(counterparty, ':', -1), 6), right(counterparty, 4)) END, 20) OVER (PARTITION BY account, date_bin(INTERVAL '30' DAY, event_time) ORDER BY event_time, row_id))
    AND counterparty NOT IN (
        COALESCE(LAG(CASE WHEN direction = 'out' THEN counterparty END, 1) OVER (PARTITION BY account, date_bin(INTERVAL '30' DAY, event_time) ORDER BY event_time, row_id), '-'),
        COALESCE(LAG(CASE WHEN direction = 'out' THEN counterparty END, 2) OVER (PARTITION BY account, date_bin(INTERVAL '30' DAY, event_time) ORDER BY event_time, row_id), '-'),
        COALESCE(LAG(CASE WHEN direction = 'out' THEN counterparty END, 3) OVER (PARTITION BY account, date_bin(INTERVAL '30' DAY, event_time) ORDER BY event_time, row_id), '-'),
        COALESCE(LAG(CASE WHEN direction = 'out' THEN counterparty END, 4) OVER (PARTITION BY account, date_bin(INTERVAL '30' DAY, event_time) ORDER BY event_time, row_id), '-'),
        COALESCE(LAG(CASE WHEN direction = 'out' THEN counterparty END, 5) OVER (PARTITION BY account, date_bin(INTERVAL '30' DAY, event_time) ORDER BY event_time, row_id), '-'),
        COALESCE(LAG(CASE WHEN direction = 'out' THEN counterparty END, 6) OVER (PARTITION BY account, date_bin(INTERVAL '30' DAY, event_time) ORDER BY event_time, row_id), '-'),
        COALESCE(LAG(CASE WHEN direction = 'out' THEN counterparty END, 7) OVER (PARTITION BY account, date_bin(INTERVAL '30' DAY, event_time) ORDER BY event_time, row_id), '-'),
        COALESCE(LAG(CASE WHEN direction = 'out' THEN counterparty END, 8) OVER (PARTITION BY account, date_bin(INTERVAL '30' DAY, event_time) ORDER BY event_time, row_id), '-'),
        COALESCE(LAG(CASE WHEN direction = 'out' THEN counterparty END, 9) OVER (PARTITION BY account, date_bin(INTERVAL '30' DAY, event_time) ORDER BY event_time, row_id), '-'),
        COALESCE(LAG(CASE WHEN direction = 'out' THEN counterparty END, 10) OVER (PARTITION BY account, date_bin(INTERVAL '30' DAY, event_time) ORDER BY event_time, row_id), '-'),
        COALESCE(LAG(CASE WHEN direction = 'out' THEN counterparty END, 11) OVER (PARTITION BY account, date_bin(INTERVAL '30' DAY, event_time) ORDER BY event_time, row_id), '-'),
        COALESCE(LAG(CASE WHEN direction = 'out' THEN counterparty END, 12) OVER (PARTITION BY account, date_bin(INTERVAL '30' DAY, event_time) ORDER BY event_time, row_id), '-'),
        COALESCE(LAG(CASE WHEN direction = 'out' THEN counterparty END, 13) OVER (PARTITION BY account, date_bin(INTERVAL '30' DAY, event_time) ORDER BY event_time, row_id), '-'),
        COALESCE(LAG(CASE WHEN direction = 'out' THEN counterparty END, 14) OVER (PARTITION BY account, date_bin(INTERVAL '30' DAY, event_time) ORDER BY event_time, row_id), '-'),
        COALESCE(LAG(CASE WHEN direction = 'out' THEN counterparty END, 15) OVER (PARTITION BY account, date_bin(INTERVAL '30' DAY, event_time) ORDER BY event_time, row_id), '-'),
        COALESCE(LAG(CASE WHEN direction = 'out' THEN counterparty END, 16) OVER (PARTITION BY account, date_bin(INTERVAL '30' DAY, event_time) ORDER BY event_time, row_id), '-'),
        COALESCE(LAG(CASE WHEN direction = 'out' THEN counterparty END, 17) OVER (PARTITION BY account, date_bin(INTERVAL '30' DAY, event_time) ORDER BY event_time, row_id), '-'),
        COALESCE(LAG(CASE WHEN direction = 'out' THEN counterparty END, 18) OVER (PARTITION BY account, date_bin(INTERVAL '30' DAY, event_time) ORDER BY event_time, row_id), '-'),
        COALESCE(LAG(CASE WHEN direction = 'out' THEN counterparty END, 19) OVER (PARTITION BY account, date_bin(INTERVAL '30' DAY, event_time) ORDER BY event_time, row_id), '-'),
        COALESCE(LAG(CASE WHEN direction = 'out' THEN counterparty END, 20) OVER (PARTITION BY account, date_bin(INTERVAL '30' DAY, event_time) ORDER BY event_time, row_id), '-'))
