-- Nations of a region
-- @param region STRING
-- @param most INT
SELECT n_nationkey, n_name, r_name AS `region name`
FROM samples.tpch.nation
JOIN samples.tpch.region ON n_regionkey = r_regionkey
WHERE r_name = :region
ORDER BY n_name
LIMIT :most
