-- Different signs of a mule on one account within three days: other people's money passes through it, or the account is new
-- and has received it.
SELECT row_id, subject, event_time,
       COUNT(DISTINCT rule) FILTER (WHERE subject_role <> 'victim') OVER w AS signs,
       SUM(weight) FILTER (WHERE subject_role <> 'victim') OVER w AS score,
       COUNT(*) FILTER (WHERE rule IN ('rapid-pass-through', 'fan-out-dispersal')) OVER w AS passing,
       COUNT(*) FILTER (WHERE rule = 'new-account-turnover') OVER w AS receiving,
       COUNT(DISTINCT rule) FILTER (WHERE subject_role = 'suspect') OVER w AS suspect_signs
FROM signals
WINDOW w AS (PARTITION BY subject ORDER BY event_time
             RANGE BETWEEN INTERVAL '72' HOUR PRECEDING AND CURRENT ROW)
QUALIFY subject_role <> 'victim' AND signs >= $min_signs
    AND (passing >= 1 AND score >= $min_score OR receiving >= 1 AND suspect_signs >= $min_signs)
