#!/usr/bin/env python3
"""A client of Ordeal's sandbox: JSON lines in, JSON lines out. See docs/client-protocol.md."""
import http.client, json, sys, urllib.parse


def send(endpoint, method, path, body, timeout):
    """One request over one fresh connection; what was answered, as (status, headers, JSON)."""
    connection = http.client.HTTPConnection(endpoint, timeout=timeout)
    try:
        connection.connect()
    except OSError as error:  # nothing was sent, so it certainly did not happen
        return 0, {}, {"error": str(error), "definite": True}
    try:
        connection.request(method, path, body and json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.headers, json.loads(answer.read() or b"null")
    finally:
        connection.close()


def invoke(endpoint, f, key, value, timeout):
    if f == "read":
        request = "GET", f"/kv/{key}", None
    elif f == "write":
        request = "PUT", f"/kv/{key}", {"value": value}
    elif f == "cas":
        request = "POST", f"/kv/{key}/cas", {"expected": value[0], "new": value[1]}
    else:
        return {"type": "fail", "error": "unsupported"}
    status, headers, said = send(endpoint, *request, timeout)
    if status == 307 and f == "read":  # a follower says who leads; a read may be asked twice
        leader = urllib.parse.urlparse(headers["Location"]).netloc
        status, headers, said = send(leader, *request, timeout)
    if status == 200 and f == "cas" and not said["swapped"]:
        return {"type": "fail", "error": "mismatch"}
    if status == 200:
        return {"type": "ok", "value": said["value"] if f == "read" else None}
    return {"type": "fail" if said.get("definite") else "info", "error": said.get("error", str(status))}


endpoint = None
for line in sys.stdin:
    request = json.loads(line)
    if request["type"] == "close":
        break
    if request["type"] == "open":
        endpoint, reply = request["endpoint"], {"type": "ok", "protocol": 1}
    else:
        try:
            reply = invoke(endpoint, request["f"], request["key"], request["value"], request["timeout_ms"] / 1000)
        except Exception as error:  # whatever it was, nobody knows what became of the request
            reply = {"type": "info", "error": repr(error)}
    print(json.dumps({"id": request["id"], **reply}), flush=True)
