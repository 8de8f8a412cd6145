-- A payment that speaks of release, with another sign that somebody pays under pressure or to a place named for scam centres.
SELECT row_id, subject, event_time,
       COUNT(*) FILTER (WHERE rule = 'ransom-payment') OVER w AS ransoms,
       COUNT(DISTINCT rule) FILTER (
           WHERE rule IN (
               'scam-geography', 'first-time-payee-escalation', 'new-payee-wealth-share', 'drained-account', 'probe-then-large'))
           OVER w AS other_signs,
       COUNT(*) FILTER (WHERE rule IN ('rapid-pass-through', 'fan-in-smurfing', 'fan-out-dispersal')) OVER w AS passing
FROM signals
WINDOW w AS (PARTITION BY subject ORDER BY event_time
             RANGE BETWEEN INTERVAL '72' HOUR PRECEDING AND CURRENT ROW)
QUALIFY rule IN (
        'ransom-payment', 'scam-geography', 'first-time-payee-escalation', 'new-payee-wealth-share', 'drained-account',
        'probe-then-large')
    AND ransoms >= 1 AND other_signs >= $min_signs AND passing = 0
