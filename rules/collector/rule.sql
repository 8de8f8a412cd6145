-- Payments of several new payers gather on an account that shows another sign as well: where a scam's takings come together.
-- Rules that say the same of the same money count as one sign.
SELECT row_id, subject, event_time,
       COUNT(DISTINCT CASE WHEN rule IN ('third-party-to-exchange', 'turnover-against-balance') THEN 'rapid-pass-through'
                           WHEN rule = 'cash-smurfing' THEN 'structuring' ELSE rule END)
           FILTER (WHERE rule <> 'new-payer-escalation') OVER w AS signs,
       SUM(weight) OVER w AS score,
       COUNT(*) FILTER (WHERE rule = 'fan-in-smurfing') OVER w AS gathering
FROM signals
WHERE rule IN ('cash-smurfing', 'dormant-reactivation', 'exchange-deposit-withdrawal', 'fan-in-smurfing', 'fan-out-dispersal',
               'linked-exchange-exit', 'new-account-turnover', 'new-payer-escalation', 'on-ramp-burst', 'rapid-pass-through',
               'shared-device', 'structuring', 'third-party-to-exchange', 'turnover-against-balance')
WINDOW w AS (PARTITION BY subject ORDER BY event_time
             RANGE BETWEEN INTERVAL '72' HOUR PRECEDING AND CURRENT ROW)
QUALIFY signs >= $min_signs AND score >= $min_score AND gathering >= 1
