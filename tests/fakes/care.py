"""Callers in the service's care, as `cti.process.drain` asks for them: reception, sessions and bot in one."""

import asyncio


class Care:
    """Nobody is in the menu (`menus`), nobody talks with the bot (`talks`), until a test clears the event."""

    def __init__(self, *, stubborn: bool = False) -> None:
        self.told: list[str] = []
        self.menus, self.talks, self.waited_for = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.menus.set()
        self.talks.set()
        self._stubborn = stubborn  # nobody lets go of anybody

    def pass_on(self) -> None:
        self.told.append("pass_on")

    def begin_no_more(self) -> None:
        self.told.append("begin_no_more")

    async def served(self) -> None:
        self.waited_for.set()
        await self.menus.wait()

    def let_go(self) -> None:
        self.told.append("let_go")
        if not self._stubborn:
            self.menus.set()

    async def over(self) -> None:
        await self.talks.wait()

    def hand_over(self) -> None:
        self.told.append("hand_over")
        if not self._stubborn:
            self.talks.set()
