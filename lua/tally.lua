
-- tally --------------------------------------------------------------------------------------------------------

-- Counts the votes of mode `share` over a window. The window is divided into BUCKETS buckets; a vote is counted in the
-- current bucket and in the totals, and leaves with its bucket. The next vote subtracts the expired buckets from the
-- totals, so a vote costs the same whatever came before it. A window without an end (bucket_ms 0) has one bucket.
--
-- tally:{UUID}, hash:
--   bucket_ms           length of a bucket
--   newest              number of the newest bucket
--   in_favor, against   the totals
--   at                  time of the last vote
--   epoch               rises whenever the tally begins anew
--   0 to 59             "for against" of the bucket with this number modulo BUCKETS
-- voted:{UUID}:CHATTER is "epoch bucket side at": where the chatter's latest vote is, so that their next one replaces it.
local BUCKETS = 60
local UNTIL_RESET_TTL_MS = 86400000

local function bucket_votes(entry)
  local in_favor, against = string.match(entry or '', '^(%d+) (%d+)$')
  return tonumber(in_favor) or 0, tonumber(against) or 0
end

-- Loads the totals at `now`, without the buckets that expired since they were written; `expired` lists those by slot.
-- A tally of another window, or one that ended, is a new one: `fresh`.
local function load_tally(tally_key, bucket_ms, now)
  local fields = redis.call('HMGET', tally_key, 'bucket_ms', 'newest', 'in_favor', 'against', 'at', 'epoch')
  local newest, at = tonumber(fields[2]), tonumber(fields[5])
  local epoch = tonumber(fields[6])
  local unknown = not (newest and at and tonumber(fields[1]) == bucket_ms)
  if unknown or (bucket_ms == 0 and since(now, at) >= UNTIL_RESET_TTL_MS) then
    local first = 0
    if bucket_ms > 0 then first = math.floor(now / bucket_ms) end
    return { fresh = true, newest = first, in_favor = 0, against = 0, expired = {},
      epoch = epoch and epoch + 1 or now }
  end
  local tally = { newest = newest, in_favor = tonumber(fields[3]) or 0, against = tonumber(fields[4]) or 0,
    expired = {}, epoch = epoch or now }
  if bucket_ms == 0 then return tally end
  local current = math.max(newest, math.floor(now / bucket_ms))
  for bucket = math.max(newest + 1, current - BUCKETS + 1), current do
    tally.expired[#tally.expired + 1] = text(bucket % BUCKETS)
  end
  tally.newest = current
  if #tally.expired > 0 then
    for _, entry in ipairs(redis.call('HMGET', tally_key, unpack(tally.expired))) do
      local in_favor, against = bucket_votes(entry)
      tally.in_favor, tally.against = tally.in_favor - in_favor, tally.against - against
    end
  end
  return tally
end

-- The position of the bar, from -100 (all against) to 100 (all for), as text.
local function share(tally)
  local total = tally.in_favor + tally.against
  if total == 0 then return '0' end
  return text(100 * (tally.in_favor - tally.against) / total)
end

-- Adds `count` (1 or -1) votes to a bucket and to the totals.
local function add_votes(tally_key, tally, bucket, side, count)
  local slot = text(bucket % BUCKETS)
  local in_favor, against = bucket_votes(redis.call('HGET', tally_key, slot))
  if side == 'for' then
    if in_favor + count < 0 then return end
    in_favor, tally.in_favor = in_favor + count, tally.in_favor + count
  else
    if against + count < 0 then return end
    against, tally.against = against + count, tally.against + count
  end
  redis.call('HSET', tally_key, slot, text(in_favor) .. ' ' .. text(against))
end

-- Subtracts the chatter's earlier vote, if it still counts.
local function subtract_earlier_vote(tally_key, tally, voted_key, bucket_ms, now)
  local earlier = redis.call('GET', voted_key) or ''
  local epoch, bucket, side, at = string.match(earlier, '^(%d+) (%d+) (%a+) (%d+)$')
  if tonumber(epoch) ~= tally.epoch or tonumber(bucket) <= tally.newest - BUCKETS then return end
  if bucket_ms == 0 and since(now, tonumber(at)) >= UNTIL_RESET_TTL_MS then return end
  add_votes(tally_key, tally, tonumber(bucket), side, -1)
end

-- Counts a vote. With `voted_key` it replaces the chatter's earlier vote. Returns the share as text.
local function count_in_tally(tally_key, voted_key, bucket_ms, side, now)
  local tally = load_tally(tally_key, bucket_ms, now)
  if tally.fresh then
    redis.call('DEL', tally_key)
  elseif #tally.expired > 0 then
    redis.call('HDEL', tally_key, unpack(tally.expired))
  end
  local ttl_ms = UNTIL_RESET_TTL_MS
  if bucket_ms > 0 then ttl_ms = (BUCKETS + 1) * bucket_ms end
  if voted_key then
    subtract_earlier_vote(tally_key, tally, voted_key, bucket_ms, now)
    local vote = table.concat({ text(tally.epoch), text(tally.newest), side, text(now) }, ' ')
    set_with_ttl(voted_key, vote, now, ttl_ms)
  end
  add_votes(tally_key, tally, tally.newest, side, 1)
  redis.call('HSET', tally_key, 'bucket_ms', text(bucket_ms), 'newest', text(tally.newest), 'in_favor',
    text(tally.in_favor), 'against', text(tally.against), 'at', text(now), 'epoch', text(tally.epoch))
  expire_after(tally_key, now, ttl_ms)
  return share(tally)
end

-- Empties the tally. It keeps its epoch, so that chatters' earlier votes are not subtracted from the new count.
local function reset_tally(tally_key, now)
  local epoch = tonumber(redis.call('HGET', tally_key, 'epoch'))
  if not epoch then return end
  redis.call('DEL', tally_key)
  redis.call('HSET', tally_key, 'epoch', text(epoch))
  expire_after(tally_key, now, UNTIL_RESET_TTL_MS)
end
