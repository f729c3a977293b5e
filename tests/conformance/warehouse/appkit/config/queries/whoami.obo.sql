-- Runs as the user whose token came with the request
SELECT current_user() AS me, count(*) AS regions FROM samples.tpch.region
