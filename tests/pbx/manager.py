"""What tests ask of the PBX over AMI, as a user with all rights."""

import asyncio

from tests.pbx.asterisk import AMI_PORT, HOST, TEST_SECRET, TEST_USERNAME

ANSWER_SECONDS = 5.0


async def ami(action: str, **headers: str) -> str:
    """The answer to one AMI action; RuntimeError when it is no Success."""
    reader, writer = await asyncio.open_connection(HOST, AMI_PORT)
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            await reader.readline()
            login = {"Username": TEST_USERNAME, "Secret": TEST_SECRET, "Events": "off"}
            for name, values in (("Login", login), (action, headers)):
                lines = "".join(f"{key}: {value}\r\n" for key, value in values.items())
                writer.write(f"Action: {name}\r\nActionID: {name}\r\n{lines}\r\n".encode())
                answer = ""
                while f"ActionID: {name}" not in answer:
                    answer = (await reader.readuntil(b"\r\n\r\n")).decode()
    finally:
        writer.close()
        await writer.wait_closed()
    if not answer.startswith("Response: Success"):
        raise RuntimeError(f"AMI {action}: {answer.strip()}")
    return answer
