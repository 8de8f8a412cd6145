-- An address that begins and ends like one of the last ten payees, and is none of them: it sends next to nothing, or is paid.
SELECT row_id, account AS subject, event_time, direction, counterparty AS look_alike,
       LAG(CASE WHEN direction = 'out' THEN counterparty END, 1) OVER steps AS payee_1,
       LAG(CASE WHEN direction = 'out' THEN counterparty END, 2) OVER steps AS payee_2,
       LAG(CASE WHEN direction = 'out' THEN counterparty END, 3) OVER steps AS payee_3,
       LAG(CASE WHEN direction = 'out' THEN counterparty END, 4) OVER steps AS payee_4,
       LAG(CASE WHEN direction = 'out' THEN counterparty END, 5) OVER steps AS payee_5,
       LAG(CASE WHEN direction = 'out' THEN counterparty END, 6) OVER steps AS payee_6,
       LAG(CASE WHEN direction = 'out' THEN counterparty END, 7) OVER steps AS payee_7,
       LAG(CASE WHEN direction = 'out' THEN counterparty END, 8) OVER steps AS payee_8,
       LAG(CASE WHEN direction = 'out' THEN counterparty END, 9) OVER steps AS payee_9,
       LAG(CASE WHEN direction = 'out' THEN counterparty END, 10) OVER steps AS payee_10
FROM movements
WHERE kind IN ('deposit', 'withdrawal', 'token_transfer', 'chain_transfer')
  AND (direction = 'out' OR COALESCE(amount, 0) < $max_dust)
  AND length(split_part(counterparty, ':', -1)) >= 26
  AND COALESCE(account_role, 'retail') NOT IN ('payroll', 'merchant', 'psp', 'omnibus', 'internal', 'collective')
  AND COALESCE(linked_account, '-') <> account
WINDOW steps AS (PARTITION BY account, date_bin(INTERVAL '30' DAY, event_time) ORDER BY event_time, row_id)
QUALIFY concat(left(split_part(counterparty, ':', -1), 6), right(counterparty, 4)) IN (
        concat(left(split_part(payee_1, ':', -1), 6), right(payee_1, 4)),
        concat(left(split_part(payee_2, ':', -1), 6), right(payee_2, 4)),
        concat(left(split_part(payee_3, ':', -1), 6), right(payee_3, 4)),
        concat(left(split_part(payee_4, ':', -1), 6), right(payee_4, 4)),
        concat(left(split_part(payee_5, ':', -1), 6), right(payee_5, 4)),
        concat(left(split_part(payee_6, ':', -1), 6), right(payee_6, 4)),
        concat(left(split_part(payee_7, ':', -1), 6), right(payee_7, 4)),
        concat(left(split_part(payee_8, ':', -1), 6), right(payee_8, 4)),
        concat(left(split_part(payee_9, ':', -1), 6), right(payee_9, 4)),
        concat(left(split_part(payee_10, ':', -1), 6), right(payee_10, 4)))
    AND counterparty NOT IN (
        COALESCE(payee_1, '-'), COALESCE(payee_2, '-'), COALESCE(payee_3, '-'), COALESCE(payee_4, '-'), COALESCE(payee_5, '-'),
        COALESCE(payee_6, '-'), COALESCE(payee_7, '-'), COALESCE(payee_8, '-'), COALESCE(payee_9, '-'), COALESCE(payee_10, '-'))
