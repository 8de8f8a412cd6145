-- Whether the amount reaches the threshold.
SELECT row_id, COALESCE(originator, beneficiary) AS subject, event_time, amount_ref,
       CASE WHEN amount_ref < $limit THEN '.01' ELSE '.02' END AS band
FROM transactions
WHERE status <> 'rejected' AND amount_ref IS NOT NULL AND COALESCE(originator, beneficiary) IS NOT NULL
