"""What the UAPI has and this daemon does not have yet, in the document."""

from api.openapi.answers import operation
from api.openapi.phone_call_events import EXTENSION_PATH
from api.openapi.pieces import TEXT, Json, in_path, parameter


def paths() -> Json:
    user, extension = parameter("user"), parameter("extension")
    agent = in_path("agent", {**TEXT, "minLength": 1}, "The agent.")
    return {
        "/uapi/phoneCalls/{user}/simple": _address([user], post="Place a call"),
        "/uapi/phoneCalls/{user}/callback": _address([user], post="Place a call by a callback"),
        "/uapi/phoneCalls/{user}/conferenceInvite": _address([user], post="Invite to a conference"),
        f"{EXTENSION_PATH}/presence": _address([user, extension], get="Presence"),
        f"{EXTENSION_PATH}/queue/agents": _address(
            [user, extension], get="Agents of a queue", put="Change the agents of a queue"
        ),
        f"{EXTENSION_PATH}/queue/agents/{{agent}}": _address(
            [user, extension, agent], get="An agent of a queue", put="Change an agent of a queue"
        ),
        "/uapi/faxes/{user}/{extension}": _address([user, extension], post="Send a fax"),
        "/uapi/cdr": _address([], get="Calls that have ended"),
        "/uapi/cdr/{user}": _address([user], get="Calls of a user that have ended"),
        "/uapi/cdr/stats/{user}": _address([user], get="Counts of calls that have ended"),
    }


def _address(parameters: list[Json], **summaries: str) -> Json:
    methods = {
        method: operation(_id(method, summary), summary, {}, to_come=True)
        for method, summary in summaries.items()
    }
    return {"parameters": parameters, **methods} if parameters else methods


def _id(method: str, summary: str) -> str:
    return method + summary.title().replace(" ", "")
