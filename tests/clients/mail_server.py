"""A mail server on a free port of this machine (aiosmtpd). It prints its port, then each e-mail as it is read by Python's
own parser: one line of JSON each. Recipients before `@` of `busy` get 451, of `unknown` 550 5.1.1, of `refused` 554.
"""

import asyncio
import json
import sys

from aiosmtpd.smtp import SMTP

from parsed_mail import parsed

ANSWERS = {"busy": "451 4.3.0 Try again", "unknown": "550 5.1.1 No such user", "refused": "554 5.7.1 Not here"}


def show(value: object) -> None:
    print(json.dumps(value), flush=True)


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if answer := ANSWERS.get(address.split("@")[0].split("+")[0]):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        show({"from": envelope.mail_from, "to": envelope.rcpt_tos, **parsed(envelope.content)})
        return "250 OK"


async def serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Handler(), hostname="localhost", loop=loop), "127.0.0.1", 0)
    show(server.sockets[0].getsockname()[1])
    # Until the test closes standard input.
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


asyncio.run(serve())
