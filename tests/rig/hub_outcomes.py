"""The ways in which a call of GitHub's API ends other than well, as faults for `Hub.faults`.

The words are those of GitHub's documentation: "Troubleshooting the REST API", "Rate limits for the REST API".
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from tests.rig.faults import Fault, Moment
from tests.rig.hub_access import Refused, invalid

SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
PRIMARY = "API rate limit exceeded for user ID 1000."
EXISTS = invalid("PullRequest", message="A pull request already exists for ada:review.")
NO_DIFFERENCE = invalid("PullRequest", message="No commits between main and review")
HTML = "<html><body><h1>502 Bad Gateway</h1></body></html>"
REFUSALS: Mapping[str, Refused] = {
    "401": Refused(401, "Bad credentials"),
    "403 no access": Refused(403, "Resource not accessible by personal access token"),
    "403 secondary limit": Refused(403, SECONDARY, headers={"Retry-After": "1"}),
    "404": Refused(404, "Not Found"),
    "409": Refused(409, "Conflict"),
    "422 exists": EXISTS,
    "422 no difference": NO_DIFFERENCE,
    "429": Refused(429, SECONDARY, headers={"Retry-After": "1"}),
    "500": Refused(500, "Server Error"),
}
OUTCOMES = ("200", *REFUSALS, "502", "timeout", "lost")
"""Every outcome; `200` is none of ours and makes no fault."""


def outcome(
    name: str,
    operation: str,
    moment: Moment = "before",
    *,
    times: int | None = 1,
    retry_after: int | None = None,
) -> Fault:
    """One of `OUTCOMES` on an operation, before or after its effect.

    Args:
        name: `timeout` holds the connection open until the server stops, `lost` cuts it, `502` is HTML.
        operation: Its name in the OpenAPI description, `graphql`, or a shell pattern.
        moment: Whether it takes effect first.
        times: How many calls it befalls.
        retry_after: Seconds, in place of the 1 that the limits ask for.
    """
    if name in ("timeout", "lost"):
        return Fault("stall" if name == "timeout" else "lost", operation, moment, times)
    if name == "502":
        page = {"Content-Type": "text/html"}
        return Fault("answer", operation, moment, times, status=502, headers=page, body=HTML)
    refused = REFUSALS[name]
    headers = {"Content-Type": "application/json; charset=utf-8", **refused.headers}
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    body = json.dumps(refused.body())
    return Fault("answer", operation, moment, times, status=refused.status, headers=headers, body=body)
