-- A wage that many get alike from no employer, with a place named for scam centres, and no money of others passing: somebody
-- who may be held there.
SELECT row_id, subject, event_time,
       COUNT(*) FILTER (WHERE rule = 'compound-wage') OVER w AS wages,
       COUNT(*) FILTER (WHERE rule = 'scam-geography') OVER w AS places,
       COUNT(*) FILTER (
           WHERE rule IN (
               'rapid-pass-through', 'fan-in-smurfing', 'fan-out-dispersal', 'new-payer-escalation', 'third-party-to-exchange',
               'turnover-against-balance', 'structuring', 'cash-smurfing')) OVER w AS passing
FROM signals
WINDOW w AS (PARTITION BY subject ORDER BY event_time
             RANGE BETWEEN INTERVAL '30' DAY PRECEDING AND CURRENT ROW)
QUALIFY rule IN ('compound-wage', 'scam-geography') AND wages >= $min_wages AND places >= $min_places AND passing = 0
