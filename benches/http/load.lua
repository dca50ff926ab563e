-- The load of one run: `wrk -s load.lua URL -- [BODY_BYTES]`.
-- With BODY_BYTES each request is a POST of that many bytes.  The result is
-- one line of JSON, so that nothing has to read wrk's prose.

function init(args)
   local bytes = tonumber(args[1] or "")
   if bytes then
      wrk.method = "POST"
      wrk.body = string.rep("u", bytes)
      wrk.headers["Content-Type"] = "application/octet-stream"
   end
   local base = wrk.format()
   request = function() return base end
end

function done(summary, latency, requests)
   local errors = summary.errors
   io.write(string.format(
      '\n{"requests": %d, "duration_us": %d, "bytes": %d, ' ..
      '"p50_us": %d, "p99_us": %d, "refused": %d, "broken": %d}\n',
      summary.requests, summary.duration, summary.bytes,
      latency:percentile(50), latency:percentile(99),
      errors.status,
      errors.connect + errors.read + errors.write + errors.timeout))
end
