#!/usr/bin/env python3
"""A real SMTP server for tests: python3-aiosmtpd on 127.0.0.1.

  smtp_server.py FOLDER PORT   writes each mail that it takes to FOLDER/<number>.eml until it is killed. Addresses that begin with
                               `busy` are told to come again (451), those that begin with `gone` that there are none (550); a
                               sender that begins with `stranger` may send nothing (550).
  smtp_server.py FOLDER PORT --shut   greets whoever comes with 554 (RFC 5321, 3.1).
"""
import asyncio
import pathlib
import signal
import sys

from aiosmtpd.controller import Controller


class Keeper:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.count = 0

    async def handle_MAIL(self, server, session, envelope, address, options):
        if address.startswith("stranger"):
            return "550 5.7.1 Not from you"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("busy"):
            return "451 4.7.1 Come again"
        if address.startswith("gone"):
            return "550 5.1.1 No such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.count += 1
        name = self.folder / f"{self.count:06d}"
        name.with_suffix(".part").write_bytes(envelope.original_content)
        name.with_suffix(".part").rename(name.with_suffix(".eml"))
        return "250 OK"


async def turn_away(port):
    async def greet(reader, writer):
        writer.write(b"554 No SMTP service here\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", port)
    await server.serve_forever()


def main():
    if "--shut" in sys.argv[3:]:
        asyncio.run(turn_away(int(sys.argv[2])))
    Controller(Keeper(sys.argv[1]), hostname="127.0.0.1", port=int(sys.argv[2])).start()
    signal.pause()


if __name__ == "__main__":
    main()
