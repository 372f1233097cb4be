"""The Lua scripts of a cluster, by the server's clock; each is one atomic step, by commands of Redis 6.2."""

from __future__ import annotations

from jackfield_redis.scripts import Script

__all__ = ["ACQUIRE_LEASE", "BEAT", "LEAVE", "RELEASE_LEASE"]

_NOW = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function holds(lease, member)
  return redis.call('HGET', KEYS[3], lease) == member and tonumber(redis.call('HGET', KEYS[4], lease) or '0') > now
end
"""

# The keys of all are those of a cluster. Arguments: the member, milliseconds of a lease, what it says of itself (empty
# for one that only looks), and each lease that it has with its note. Members with what they said, and leases, each with
# its holder, number, note and milliseconds left.
BEAT = Script(
    _NOW
    + """
if ARGV[3] ~= '' then
  for _, gone in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now)) do
    redis.call('ZREM', KEYS[1], gone)
    redis.call('HDEL', KEYS[2], gone)
  end
  redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
  redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
  for i = 4, #ARGV, 2 do
    if holds(ARGV[i], ARGV[1]) then
      redis.call('HSET', KEYS[4], ARGV[i], now + ARGV[2])
      redis.call('HSET', KEYS[6], ARGV[i], ARGV[i + 1])
    end
  end
end
local members, leases = {}, {}
for _, name in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], now, '+inf')) do
  members[#members + 1] = name
  members[#members + 1] = redis.call('HGET', KEYS[2], name) or ''
end
for _, lease in ipairs(redis.call('HKEYS', KEYS[5])) do
  local left = math.max(0, tonumber(redis.call('HGET', KEYS[4], lease) or '0') - now)
  leases[#leases + 1] = lease
  leases[#leases + 1] = left > 0 and redis.call('HGET', KEYS[3], lease) or ''
  leases[#leases + 1] = redis.call('HGET', KEYS[5], lease)
  leases[#leases + 1] = redis.call('HGET', KEYS[6], lease) or ''
  leases[#leases + 1] = left
end
return {members, leases}
"""
)

# Arguments: the member, milliseconds, the lease, a number that is known to be given. The fencing number, 0 for no win.
ACQUIRE_LEASE = Script(
    _NOW
    + """
if tonumber(redis.call('HGET', KEYS[4], ARGV[3]) or '0') > now then return 0 end
local fence = math.max(tonumber(redis.call('HGET', KEYS[5], ARGV[3]) or '0'), tonumber(ARGV[4])) + 1
redis.call('HSET', KEYS[3], ARGV[3], ARGV[1])
redis.call('HSET', KEYS[4], ARGV[3], now + ARGV[2])
redis.call('HSET', KEYS[5], ARGV[3], fence)
return fence
"""
)

# Arguments: the member, the lease, its last note.
RELEASE_LEASE = Script(
    _NOW
    + """
if not holds(ARGV[2], ARGV[1]) then return 0 end
redis.call('HSET', KEYS[6], ARGV[2], ARGV[3])
return redis.call('HDEL', KEYS[3], ARGV[2]) + redis.call('HDEL', KEYS[4], ARGV[2])
"""
)

# Argument: the member.
LEAVE = Script("""
redis.call('HDEL', KEYS[2], ARGV[1])
return redis.call('ZREM', KEYS[1], ARGV[1])
""")
