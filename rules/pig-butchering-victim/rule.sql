-- The long con: a bait that was given back, or savings that go to new payees and exchanges, in different signs within a month,
-- and no sign that other people's money comes together there. The same payments to the same payee count as one sign.
SELECT row_id, subject, event_time,
       COUNT(DISTINCT CASE WHEN rule = 'new-payee-wealth-share' THEN 'first-time-payee-escalation'
                           WHEN rule = 'linked-exchange-exit' THEN 'on-ramp-burst' ELSE rule END) FILTER (
           WHERE rule IN (
               'inducement-return', 'first-time-payee-escalation', 'new-payee-wealth-share', 'drained-account',
               'on-ramp-burst', 'linked-exchange-exit')) OVER w AS signs,
       COUNT(*) FILTER (WHERE rule = 'inducement-return') OVER w AS baits,
       COUNT(*) FILTER (WHERE rule IN ('first-time-payee-escalation', 'new-payee-wealth-share')) OVER w AS led_on,
       COUNT(*) FILTER (WHERE rule IN ('on-ramp-burst', 'linked-exchange-exit')) OVER w AS through_exchange,
       COUNT(*) FILTER (
           WHERE rule IN (
               'rapid-pass-through', 'fan-in-smurfing', 'fan-out-dispersal', 'new-payer-escalation', 'third-party-to-exchange',
               'turnover-against-balance')) OVER w AS passing
FROM signals
WINDOW w AS (PARTITION BY subject ORDER BY event_time
             RANGE BETWEEN INTERVAL '30' DAY PRECEDING AND CURRENT ROW)
QUALIFY rule IN (
        'inducement-return', 'first-time-payee-escalation', 'new-payee-wealth-share', 'drained-account', 'on-ramp-burst',
        'linked-exchange-exit')
    AND signs >= $min_signs AND passing = 0
    AND (baits >= 1 OR led_on >= 1 AND through_exchange >= 1 AND signs > $min_signs)
