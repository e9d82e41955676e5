#!/usr/bin/env python3
"""A client of Ordeal's sandbox: JSON lines in, JSON lines out. See docs/client-protocol.md."""
import http.client, json, sys, urllib.parse

REQUESTS = {
    "read": lambda key, _: ("GET", f"/kv/{key}", None),
    "write": lambda key, value: ("PUT", f"/kv/{key}", {"value": value}),
    "cas": lambda key, value: ("POST", f"/kv/{key}/cas", {"expected": value[0], "new": value[1]}),
}

def send(endpoint, timeout, method, path, body):
    """One request over a connection of its own; what was answered, as (status, headers, JSON)."""
    connection = http.client.HTTPConnection(endpoint, timeout=timeout)
    connection.request(method, path, body and json.dumps(body), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    return answer.status, answer.headers, json.loads(answer.read() or b"null")

def invoke(endpoint, f, key, value, timeout):
    if f not in REQUESTS:
        return {"type": "fail", "error": "unsupported"}
    status, headers, said = send(endpoint, timeout, *REQUESTS[f](key, value))
    if status == 307 and f == "read":  # a follower says who leads; a read may be asked twice
        leader = urllib.parse.urlparse(headers["Location"]).netloc
        status, _, said = send(leader, timeout, *REQUESTS[f](key, value))
    if status == 200 and f == "cas" and not said["swapped"]:
        return {"type": "fail", "error": "mismatch"}
    if status == 200:
        return {"type": "ok", "value": said["value"] if f == "read" else None}
    return {"type": "fail" if said.get("definite") else "info", "error": said.get("error", str(status))}

opened = json.loads(sys.stdin.readline())
print(json.dumps({"id": opened["id"], "type": "ok", "protocol": 1}), flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    if asked["type"] == "close":
        break
    try:
        reply = invoke(opened["endpoint"], asked["f"], asked["key"], asked["value"], asked["timeout_ms"] / 1000)
    except ConnectionRefusedError as error:  # nothing was sent: it certainly did not happen
        reply = {"type": "fail", "error": str(error)}
    except Exception as error:  # whatever it was, nobody knows what became of the request
        reply = {"type": "info", "error": repr(error)}
    print(json.dumps({"id": asked["id"], **reply}), flush=True)
