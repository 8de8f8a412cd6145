-- What the purpose code says the payment is.
SELECT row_id, COALESCE(originator, beneficiary) AS subject, event_time, purpose,
       CASE WHEN purpose = $business THEN '.01' WHEN purpose = $person THEN '.02' ELSE '.03' END AS band
FROM transactions
WHERE status <> 'rejected' AND purpose IN ($business, $person, $cash) AND COALESCE(originator, beneficiary) IS NOT NULL
