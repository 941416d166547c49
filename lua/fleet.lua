
-- index entries ------------------------------------------------------------------------------------------------

-- The indices are on cluster slots of their own. An entry is written before its session and removed after it, so an
-- index may have a stale entry but never misses one. Two indices are sorted sets of overlays by time:
--   sessions                when an instance last refreshed the session
--   disconnected_sessions   from when its age as an orphan counts: when the last instance released the session, or 12 h
--                           later for a share until reset
-- The third is broadcaster:ID, the overlay in which a chat votes.

-- An entry of an ended session expires after this. An instance that attached in the same moment refreshes it in time.
local ENDED_ENTRY_TTL_MS = 300000

-- Adds an entry, or moves it to this time.
-- KEYS     sorted set
-- ARGV     overlay, time ('': now)
-- Returns  done
local function add_index_entry(keys, args)
  local now = now_ms()
  local at = tonumber(args[2]) or now
  redis.call('ZADD', keys[1], text(at), args[1])
  -- By then the last session in it has expired. Sessions that go on counting are in it with a time to come.
  local expires_at = math.max(now, at) + SESSION_TTL_MS
  if redis.call('PEXPIRETIME', keys[1]) < expires_at then expire_after(keys[1], expires_at, 0) end
  return { 'done' }
end

-- Removes an entry, unless it is newer than the one that the caller looked at.
-- KEYS     sorted set
-- ARGV     overlay, newest time
-- Returns  done · kept
local function remove_index_entry(keys, args)
  local at = tonumber(redis.call('ZSCORE', keys[1], args[1]))
  if not at or at > tonumber(args[2]) then return { 'kept' } end
  redis.call('ZREM', keys[1], args[1])
  return { 'done' }
end

-- Lists entries of at least this age, the oldest first.
-- KEYS     sorted set
-- ARGV     age, number of entries at most
-- Returns  overlay, time, overlay, time, …
local function list_index_entries(keys, args)
  local now = now_ms()
  local newest = text(now - tonumber(args[1]))
  return redis.call('ZRANGE', keys[1], '-inf', newest, 'BYSCORE', 'LIMIT', 0, args[2], 'WITHSCORES')
end

-- Extends the TTL of a chat's entry, or creates it. An entry for another overlay is neither replaced nor extended: that
-- overlay is the streamer's newer address, or has ended.
-- KEYS     broadcaster:ID
-- ARGV     overlay, until when the session counts (none: now)
-- Returns  done · other, overlay of the entry
local function refresh_index_entry(keys, args)
  local now = now_ms()
  local overlay = redis.call('GET', keys[1])
  if overlay and overlay ~= args[1] then return { 'other', overlay } end
  set_with_ttl(keys[1], args[1], math.max(now, tonumber(args[2]) or now), SESSION_TTL_MS)
  return { 'done' }
end

-- Lets the chat's entry of an ended session expire. It is not deleted: an instance may have opened the session again a
-- moment ago, with the same entry.
-- KEYS     broadcaster:ID
-- ARGV     overlay
-- Returns  done · kept
local function expire_index_entry(keys, args)
  local now = now_ms()
  if redis.call('GET', keys[1]) ~= args[1] then return { 'kept' } end
  expire_after(keys[1], now, ENDED_ENTRY_TTL_MS)
  return { 'done' }
end

-- instances ----------------------------------------------------------------------------------------------------

-- Records a heartbeat. `registered`: the instance was unknown, or silent for so long that it may have been declared
-- dead; it begins a new epoch.
-- KEYS     instances, instance_epochs:{instances}
-- ARGV     instance, silence after which an instance is dead
-- Returns  registered or renewed, epoch, number of living instances
local function heartbeat(keys, args)
  local instances_key, epochs_key = unpack(keys)
  local instance, dead_after = args[1], tonumber(args[2])
  local now = now_ms()
  local last = tonumber(redis.call('ZSCORE', instances_key, instance))
  local epoch = tonumber(redis.call('HGET', epochs_key, instance))
  local is_new = not (last and epoch) or since(now, last) >= dead_after
  if is_new then
    epoch = math.max((epoch or 0) + 1, now)
    redis.call('HSET', epochs_key, instance, text(epoch))
  end
  redis.call('ZADD', instances_key, text(now), instance)
  -- When the last instance is gone, its sessions have expired too.
  expire_after(instances_key, now, SESSION_TTL_MS)
  expire_after(epochs_key, now, SESSION_TTL_MS)
  local living = redis.call('ZCOUNT', instances_key, '(' .. text(now - dead_after), '+inf')
  return { is_new and 'registered' or 'renewed', text(epoch), living }
end

-- Lists the dead instances.
-- KEYS     instances, instance_epochs:{instances}
-- ARGV     silence after which an instance is dead
-- Returns  instance, last heartbeat, epoch, instance, …
local function list_dead(keys, args)
  local instances_key, epochs_key = unpack(keys)
  local now = now_ms()
  local dead = {}
  local silent = redis.call('ZRANGE', instances_key, '-inf', text(now - tonumber(args[1])), 'BYSCORE')
  for _, instance in ipairs(silent) do
    dead[#dead + 1] = instance
    dead[#dead + 1] = redis.call('ZSCORE', instances_key, instance)
    dead[#dead + 1] = redis.call('HGET', epochs_key, instance) or '0'
  end
  return dead
end

-- Removes an instance from the registry: one that stops, or a dead one without a heartbeat since the last known.
-- KEYS     instances, instance_epochs:{instances}
-- ARGV     instance, last heartbeat ('': any)
-- Returns  done · kept
local function deregister(keys, args)
  local instances_key, epochs_key = unpack(keys)
  local instance, last = args[1], args[2]
  if last ~= '' and tonumber(redis.call('ZSCORE', instances_key, instance)) ~= tonumber(last) then
    return { 'kept' }
  end
  redis.call('ZREM', instances_key, instance)
  redis.call('HDEL', epochs_key, instance)
  return { 'done' }
end

-- leader -------------------------------------------------------------------------------------------------------

-- Acquires a free lease, or extends the caller's own: instance and token must both match, so that a process is never
-- taken for an earlier one of the same name. Tokens only rise, also after Redis lost its data.
-- KEYS     cleanup:leader, fence:{cleanup:leader}
-- ARGV     instance, its fencing token (0: none), length of the lease
-- Returns  leader, fencing token · follower
local function acquire_lease(keys, args)
  local leader_key, fence_key = unpack(keys)
  local instance, token, lease = args[1], tonumber(args[2]), tonumber(args[3])
  local now = now_ms()
  local leader = redis.call('GET', leader_key)
  local last = tonumber(redis.call('GET', fence_key)) or 0
  if not leader then
    token = math.max(last + 1, token + 1, now)
    redis.call('SET', fence_key, text(token))
    redis.call('SET', leader_key, instance, 'PX', text(lease))
    return { 'leader', text(token) }
  end
  if leader == instance and token > 0 and token == last then
    redis.call('PEXPIRE', leader_key, text(lease))
    return { 'leader', text(token) }
  end
  return { 'follower' }
end

-- Releases the lease, if it is the caller's.
-- KEYS     cleanup:leader, fence:{cleanup:leader}
-- ARGV     instance, its fencing token
-- Returns  done · kept
local function release_lease(keys, args)
  local leader_key, fence_key = unpack(keys)
  local token = tonumber(args[2])
  local last = tonumber(redis.call('GET', fence_key))
  if redis.call('GET', leader_key) ~= args[1] or token ~= last then return { 'kept' } end
  redis.call('DEL', leader_key)
  return { 'done' }
end

-- shards -------------------------------------------------------------------------------------------------------

-- eventsub_shards, hash: shard of the conduit -> "time instance" of the last renewal. An instance takes the lowest free
-- shard. The one with the highest moves to a lower shard that becomes free, so that no gap stays.

-- Acquires a shard, or renews or moves the caller's.
-- KEYS     eventsub_shards
-- ARGV     instance, length of the lease
-- Returns  acquired, shard, number of shards
local function acquire_shard(keys, args)
  local shards_key, instance, lease = keys[1], args[1], tonumber(args[2])
  local now = now_ms()
  local entries = redis.call('HGETALL', shards_key)
  local taken, own, highest = {}, nil, -1
  for i = 1, #entries, 2 do
    local shard = tonumber(entries[i])
    local at, owner = string.match(entries[i + 1], '^(%d+) (.+)$')
    if shard and owner == instance and not own then
      own = shard
    elseif shard and at and since(now, tonumber(at)) < lease then
      taken[shard] = true
      highest = math.max(highest, shard)
    else
      redis.call('HDEL', shards_key, entries[i])
    end
  end
  local lowest_free = 0
  while taken[lowest_free] do lowest_free = lowest_free + 1 end
  local shard = own
  if not own or (own > highest and lowest_free < own) then shard = lowest_free end
  if own and own ~= shard then redis.call('HDEL', shards_key, text(own)) end
  redis.call('HSET', shards_key, text(shard), text(now) .. ' ' .. instance)
  expire_after(shards_key, now, SESSION_TTL_MS)
  return { 'acquired', text(shard), text(math.max(highest, shard) + 1) }
end

-- Releases the caller's shard.
-- KEYS     eventsub_shards
-- ARGV     instance
-- Returns  done
local function release_shard(keys, args)
  local entries = redis.call('HGETALL', keys[1])
  for i = 1, #entries, 2 do
    if string.match(entries[i + 1], '^%d+ (.+)$') == args[1] then redis.call('HDEL', keys[1], entries[i]) end
  end
  return { 'done' }
end

writing('chatpulse_add_index_entry', add_index_entry)
writing('chatpulse_remove_index_entry', remove_index_entry)
reading('chatpulse_list_index_entries', list_index_entries)
writing('chatpulse_refresh_index_entry', refresh_index_entry)
writing('chatpulse_expire_index_entry', expire_index_entry)
writing('chatpulse_heartbeat', heartbeat)
reading('chatpulse_list_dead', list_dead)
writing('chatpulse_deregister', deregister)
writing('chatpulse_acquire_lease', acquire_lease)
writing('chatpulse_release_lease', release_lease)
writing('chatpulse_acquire_shard', acquire_shard)
writing('chatpulse_release_shard', release_shard)
