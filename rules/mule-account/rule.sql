-- Different signs of a mule on one account within three days: other people's money passes through it, or the account is new
-- and has received it. Rules that say the same of the same money count as one sign.
SELECT row_id, subject, event_time,
       COUNT(DISTINCT CASE WHEN rule IN ('third-party-to-exchange', 'turnover-against-balance') THEN 'rapid-pass-through'
                           WHEN rule = 'cash-smurfing' THEN 'structuring' ELSE rule END) OVER w AS signs,
       SUM(weight) OVER w AS score,
       COUNT(*) FILTER (
           WHERE rule IN ('rapid-pass-through', 'fan-out-dispersal', 'third-party-to-exchange', 'turnover-against-balance'))
           OVER w AS passing,
       COUNT(*) FILTER (WHERE rule = 'new-account-turnover') OVER w AS receiving,
       COUNT(DISTINCT CASE WHEN rule IN ('third-party-to-exchange', 'turnover-against-balance') THEN 'rapid-pass-through'
                           WHEN rule = 'cash-smurfing' THEN 'structuring' ELSE rule END)
           FILTER (WHERE subject_role = 'suspect') OVER w AS suspect_signs
FROM signals
WHERE rule IN ('cash-smurfing', 'dormant-reactivation', 'exchange-deposit-withdrawal', 'fan-in-smurfing', 'fan-out-dispersal',
               'linked-exchange-exit', 'new-account-turnover', 'new-payer-escalation', 'on-ramp-burst', 'rapid-pass-through',
               'shared-device', 'structuring', 'third-party-to-exchange', 'turnover-against-balance')
WINDOW w AS (PARTITION BY subject ORDER BY event_time
             RANGE BETWEEN INTERVAL '72' HOUR PRECEDING AND CURRENT ROW)
QUALIFY signs >= $min_signs
    AND (passing >= 1 AND score >= $min_score OR receiving >= 1 AND suspect_signs >= $min_signs)
