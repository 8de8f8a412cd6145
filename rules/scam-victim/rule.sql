-- Different signs of a victim on one account within three days, and none that other people's money comes together there.
SELECT row_id, subject, event_time,
       COUNT(DISTINCT rule) FILTER (
           WHERE rule IN (
               'drained-account', 'first-time-payee-escalation', 'on-ramp-burst', 'linked-exchange-exit')) OVER w AS signs,
       SUM(weight) FILTER (
           WHERE rule IN (
               'drained-account', 'first-time-payee-escalation', 'on-ramp-burst', 'linked-exchange-exit')) OVER w AS score,
       COUNT(*) FILTER (WHERE rule IN ('drained-account', 'linked-exchange-exit')) OVER w AS losses,
       COUNT(*) FILTER (
           WHERE rule IN ('rapid-pass-through', 'fan-in-smurfing', 'fan-out-dispersal', 'new-payer-escalation')) OVER w AS passing
FROM signals
WINDOW w AS (PARTITION BY subject ORDER BY event_time
             RANGE BETWEEN INTERVAL '72' HOUR PRECEDING AND CURRENT ROW)
QUALIFY rule IN ('drained-account', 'first-time-payee-escalation', 'on-ramp-burst', 'linked-exchange-exit')
    AND signs >= $min_signs AND score >= $min_score AND losses >= 1 AND passing = 0
