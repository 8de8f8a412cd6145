-- An account is where coins become money, or where deposits leave an exchange at once, and shows a sign of a suspect that is
-- not about the same money. For people to look at: a victim's account can show the first half.
SELECT row_id, subject, event_time,
       COUNT(*) FILTER (WHERE rule IN ('exchange-receipts', 'exchange-deposit-withdrawal')) OVER w AS cashing,
       COUNT(DISTINCT rule) FILTER (
           WHERE rule IN (
               'shared-device', 'structuring', 'travel-rule-structuring', 'cash-smurfing', 'fan-in-smurfing', 'new-account-turnover',
               'dormant-reactivation')) OVER w AS other_signs,
       COUNT(*) FILTER (WHERE subject_role = 'victim') OVER w AS victim_signs
FROM signals
WINDOW w AS (PARTITION BY subject ORDER BY event_time
             RANGE BETWEEN INTERVAL '72' HOUR PRECEDING AND CURRENT ROW)
QUALIFY cashing >= 1 AND other_signs >= $min_signs AND victim_signs = 0
    AND rule IN (
        'exchange-receipts', 'exchange-deposit-withdrawal', 'shared-device', 'structuring', 'travel-rule-structuring',
        'cash-smurfing', 'fan-in-smurfing', 'new-account-turnover', 'dormant-reactivation')
