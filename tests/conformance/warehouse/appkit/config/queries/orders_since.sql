-- @param since DATE
-- @param floor DECIMAL
SELECT
  o_orderdate,
  date_trunc('MONTH', o_orderdate) AS month, -- not a parameter: ':month'
  count(*) AS orders,
  CAST(sum(o_totalprice) AS DECIMAL(20, 2)) AS revenue,
  CAST(avg(o_totalprice) AS DOUBLE) AS average,
  max(o_totalprice) > 100000 AS large
FROM samples.tpch.orders
WHERE o_orderdate >= :since AND o_totalprice >= :floor
GROUP BY ALL
ORDER BY o_orderdate
LIMIT 5;
