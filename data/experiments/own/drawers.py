"""An environment of one's own: a desk with drawers, one of which holds what the question asks for."""

from fourdials.records import Observation

HOLDS = {"top drawer": "a pencil", "middle drawer": "a stamp", "bottom drawer": "a key"}


class Drawers:
    def __init__(self, question: str) -> None:
        self.question = question

    def start(self) -> Observation:
        self.shut = list(HOLDS)
        return Observation("You stand at a desk. Every drawer is shut.", actions=tuple(self.shut))

    def step(self, action: str) -> Observation:
        self.shut.remove(action)
        found = HOLDS[action] in self.question
        seen = f"In the {action} there is {HOLDS[action]}."
        return Observation(seen, actions=() if found else tuple(self.shut), done=found, answer=action)
