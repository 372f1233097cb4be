"""The Lua scripts: each is one atomic step of one partition, by commands of Redis 6.2."""

from __future__ import annotations

import hashlib

import attrs

__all__ = ["ACQUIRE", "APPEND", "CLAIM", "JOIN", "PENDING", "READ", "RELEASE", "RENEW", "Script"]


@attrs.frozen
class Script:
    """A script, by its text and by the digest under which a server knows it."""

    text: str
    sha: str = attrs.Factory(
        lambda self: hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest(), takes_self=True
    )


# Keys: the stream, the counter, the fences, and of each event its id. Arguments: how many seconds an id is remembered,
# the length to keep (0 for any), the seconds to keep (0 for ever), the number of marks, each with a feed and a fencing
# number, where there are any the number of each event's mark, the events. An event whose number is lower than one that
# was seen of its feed is late: it is outside of the order, and says so. Nothing is appended before it is known what is
# new, and ids last: where a command fails, such as for want of memory, nothing counts as a copy that was not appended.
# The counter is written in any case: what a connection waits for by WAIT is what was written before its own newest
# write.
APPEND = Script("""
local marks, at, late = tonumber(ARGV[4]), 5, {}
for mark = 1, marks do
  local fence, known = tonumber(ARGV[at + 1]), tonumber(redis.call('HGET', KEYS[3], ARGV[at]) or '0')
  late[mark] = fence < known
  if fence > known then redis.call('HSET', KEYS[3], ARGV[at], fence) end
  at = at + 2
end
local mark_of = {}
if marks > 0 then
  for mark in string.gmatch(ARGV[at], '%d+') do mark_of[#mark_of + 1] = tonumber(mark) end
  at = at + 1
end
local new, seen = {}, {}
for i = 4, #KEYS do
  if not seen[KEYS[i]] and redis.call('EXISTS', KEYS[i]) == 0 then
    new[#new + 1] = i
    seen[KEYS[i]] = true
  end
end
local n, last, lates = tonumber(redis.call('GET', KEYS[2]) or '0'), '', 0
if not n then return redis.error_reply('WRONGTYPE the counter ' .. KEYS[2] .. ' is not a number') end
for _, i in ipairs(new) do
  local event = ARGV[at + i - 4]
  if late[mark_of[i - 3]] then
    event = '{"late":true,' .. string.sub(event, 2)
    lates = lates + 1
  end
  n = n + 1
  last = redis.call('XADD', KEYS[1], '*', 'n', n, 'event', event)
end
redis.call('SET', KEYS[2], n)
if #new > 0 then
  for _, i in ipairs(new) do redis.call('SET', KEYS[i], '1', 'EX', ARGV[1]) end
  if ARGV[2] ~= '0' then redis.call('XTRIM', KEYS[1], 'MAXLEN', '~', ARGV[2]) end
  if ARGV[3] ~= '0' then
    redis.call('XTRIM', KEYS[1], 'MINID', '~', string.format('%d', (redis.call('TIME')[1] - ARGV[3]) * 1000))
  end
end
return {#new, last, lates}
""")

# Keys: the lease, the fence. Arguments: the member, milliseconds. The value of the lease that was won, else nothing.
ACQUIRE = Script("""
if redis.call('EXISTS', KEYS[1]) == 1 then return '' end
local held = ARGV[1] .. ':' .. redis.call('INCR', KEYS[2])
redis.call('SET', KEYS[1], held, 'PX', ARGV[2])
return held
""")

# Key: the lease. Arguments: its value, milliseconds. Whether it still was held.
RENEW = Script("""
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
""")

# Key: the lease. Argument: its value.
RELEASE = Script("""
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
""")

# Keys: the lease, the stream. Arguments: the lease's value, the group, the consumer, where to go on, how many. Gives
# everything that is pending for anybody to this consumer; where to go on (0-0 at the end), and how many entries a
# server from 7.0 on has found trimmed.
CLAIM = Script("""
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {'lost'} end
local got = redis.call('XAUTOCLAIM', KEYS[2], ARGV[2], ARGV[3], 0, ARGV[4], 'COUNT', ARGV[5], 'JUSTID')
return {got[1], got[3] and #got[3] or 0}
""")

# Keys: the lease, the stream. Arguments: the lease's value, the group, the consumer, after which id, how many. What is
# pending for this consumer, in order; of what was trimmed the ids only, which are acknowledged here.
PENDING = Script("""
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {'lost'} end
local got = redis.call('XREADGROUP', 'GROUP', ARGV[2], ARGV[3], 'COUNT', ARGV[5], 'STREAMS', KEYS[2], ARGV[4])
local entries, trimmed, last = {}, 0, ''
for _, entry in ipairs(got and got[1][2] or {}) do
  last = entry[1]
  if entry[2] then
    entries[#entries + 1] = entry
  else
    trimmed = trimmed + 1
    redis.call('XACK', KEYS[2], ARGV[2], entry[1])
  end
end
return {'', entries, trimmed, last}
""")

# Keys: the lease, the stream, what was read. Arguments: the lease's value, the group, the consumer, how many. New
# entries; how many before them were trimmed unread, and the id of the last one that was read before.
READ = Script("""
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {'lost'} end
local got = redis.call('XREADGROUP', 'GROUP', ARGV[2], ARGV[3], 'COUNT', ARGV[4], 'STREAMS', KEYS[2], '>')
if not got then return {'', {}, 0, ''} end
local known = redis.call('HMGET', KEYS[3], 'n', 'id')
local entries, n, missing = got[1][2], tonumber(known[1] or '-1'), 0
for _, entry in ipairs(entries) do
  local fields = entry[2]
  for i = 1, #fields, 2 do
    if fields[i] == 'n' then
      local number = tonumber(fields[i + 1])
      if number then
        if n >= 0 and number > n + 1 then missing = missing + number - n - 1 end
        n = number
      end
    end
  end
end
redis.call('HSET', KEYS[3], 'n', n, 'id', entries[#entries][1])
return {'', entries, missing, known[2] or ''}
""")

# Key: the members. Arguments: this one, milliseconds until it counts as gone; 0 where it leaves. Who is there.
JOIN = Script("""
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if ARGV[2] == '0' then
  redis.call('ZREM', KEYS[1], ARGV[1])
else
  redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
end
return redis.call('ZRANGE', KEYS[1], 0, -1)
""")
