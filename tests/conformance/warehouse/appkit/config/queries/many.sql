-- @param rows INT
SELECT id, id * 1.5D AS value FROM range(:rows)
