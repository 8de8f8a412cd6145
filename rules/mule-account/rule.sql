-- Different signs of a mule on one account within three days, one of them that other people's money passes through it.
SELECT row_id, subject, event_time,
       COUNT(DISTINCT rule) FILTER (WHERE subject_role <> 'victim') OVER w AS signs,
       SUM(weight) FILTER (WHERE subject_role <> 'victim') OVER w AS score,
       COUNT(*) FILTER (WHERE rule IN ('rapid-pass-through', 'fan-out-dispersal')) OVER w AS passing
FROM signals
WINDOW w AS (PARTITION BY subject ORDER BY event_time
             RANGE BETWEEN INTERVAL '72' HOUR PRECEDING AND CURRENT ROW)
QUALIFY subject_role <> 'victim' AND signs >= $min_signs AND score >= $min_score
    AND (passing >= 1 OR signs >= $early_signs)
