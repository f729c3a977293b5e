SELECT :workspaceId AS workspace, count(*) AS regions FROM samples.tpch.region
