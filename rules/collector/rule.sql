-- Payments of several new payers gather on an account that shows another sign as well: where a scam's takings come together.
SELECT row_id, subject, event_time,
       COUNT(DISTINCT rule) FILTER (WHERE subject_role <> 'victim' AND rule <> 'new-payer-escalation') OVER w AS signs,
       SUM(weight) FILTER (WHERE subject_role <> 'victim') OVER w AS score,
       COUNT(*) FILTER (WHERE rule = 'fan-in-smurfing') OVER w AS gathering
FROM signals
WINDOW w AS (PARTITION BY subject ORDER BY event_time
             RANGE BETWEEN INTERVAL '72' HOUR PRECEDING AND CURRENT ROW)
QUALIFY subject_role <> 'victim' AND signs >= $min_signs AND score >= $min_score AND gathering >= 1
