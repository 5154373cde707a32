"""A shell's own radio with one cuff near it: what an app does around its platform's Bluetooth.

Calls only start work: they go into a queue, which one thread takes in order once the companion is there. Answers and events
go back by the companion's methods. Its Kotlin twin is ../kotlin/OwnRadio.kt.
"""

import queue
import threading

import teleward

CUFF = "the shell's cuff"
MEASUREMENT = teleward.RadioAttribute(service="1810", characteristic="2A35")
# What can be read: maker, model, serial number.
VALUES = {"2a29": b"Teleward Test", "2a24": b"VC-1", "2a25": b"own-1"}
ANSWER, EVENT, FAULT = teleward.RadioAnswer, teleward.RadioEvent, teleward.RadioFault


class OwnRadio(teleward.Radio):
    def __init__(self) -> None:
        self.work: queue.SimpleQueue = queue.SimpleQueue()
        self.companion: teleward.Companion | None = None
        self.asked: list[str] = []
        self.memory: list[bytes] = []
        self.looking = self.linked = self.bonded = self.subscribed = False
        self.thrown = False

    def begin(self, companion: teleward.Companion) -> None:
        """The companion is there: calls that came before it are taken now."""
        self.companion = companion
        threading.Thread(target=self.run, daemon=True).start()

    def measure(self, frame: bytes) -> None:
        """The cuff measures: it shows itself, and sends the frame to whoever subscribes."""
        self.work.put((None, "measured", (frame,)))

    # What the core asks

    def state(self, call: int) -> None:
        if self.companion is None:
            self.put(call, "state")
        else:
            # Nothing to wait for: answered from within the call.
            self.asked.append("state")
            self.answer(call, ANSWER.STATE(state=teleward.RadioState.ON))

    def start_scan(self, call: int, services: list[str]) -> None:
        self.put(call, "start_scan", services)

    def stop_scan(self, call: int) -> None:
        self.put(call, "stop_scan")

    def connect(self, call: int, device: str) -> None:
        if not self.thrown:
            self.thrown = True
            raise RuntimeError("a fault of the shell's own, with a secret in its text")
        self.put(call, "connect")

    def discover(self, call: int, device: str) -> None:
        self.put(call, "discover")

    def subscribe(self, call: int, device: str, attribute: teleward.RadioAttribute) -> None:
        self.put(call, "subscribe")

    def read(self, call: int, device: str, attribute: teleward.RadioAttribute) -> None:
        self.put(call, "read", attribute.characteristic)

    def write(self, call: int, device: str, attribute: teleward.RadioAttribute, bytes: bytes) -> None:
        raise teleward.RadioError.Failed(fault=FAULT.NOT_SUPPORTED())

    def pair(self, call: int, device: str) -> None:
        self.put(call, "pair")

    def is_bonded(self, call: int, device: str) -> None:
        self.put(call, "is_bonded")

    def is_connected(self, call: int, device: str) -> None:
        self.put(call, "is_connected")

    def disconnect(self, call: int, device: str) -> None:
        self.put(call, "disconnect")

    def forget(self, call: int, device: str) -> None:
        self.put(call, "forget")

    def put(self, call: int, name: str, *words: object) -> None:
        self.asked.append(name)
        self.work.put((call, name, words))

    # What the platform does

    def run(self) -> None:
        try:
            while True:
                call, name, words = self.work.get()
                answer = getattr(self, f"do_{name}")(*words)
                if call is not None:
                    self.answer(call, answer or ANSWER.DONE())
                if name == "subscribe" and self.subscribed:
                    self.send()
        except teleward.TelewardError.ReopenFirst:
            pass  # the companion is shut down

    def answer(self, call: int, answer: teleward.RadioAnswer) -> None:
        # What an earlier process was asked, and an answer too many, must change nothing.
        self.companion.radio_answer(7, ANSWER.DONE())
        self.companion.radio_answer(call, answer)
        self.companion.radio_answer(call, ANSWER.FAILED(fault=FAULT.OTHER()))

    def tell(self, event: teleward.RadioEvent) -> None:
        self.companion.radio_event(event)

    def show(self) -> None:
        if self.looking and self.memory and not self.linked:
            seen = teleward.SeenDevice(device=CUFF, services=["1810"], name="Shell's Cuff", address="C4:C4:C4:C4:C4:C5")
            self.tell(EVENT.SEEN(seen=seen))

    def send(self) -> None:
        for frame in self.memory:
            self.tell(EVENT.VALUE(device=CUFF, attribute=MEASUREMENT, bytes=frame))
        self.memory.clear()

    def do_measured(self, frame: bytes) -> None:
        self.memory.append(frame)
        self.show()

    def do_state(self) -> teleward.RadioAnswer:
        return ANSWER.STATE(state=teleward.RadioState.ON)

    def do_start_scan(self, services: list[str]) -> None:
        self.looking = "1810" in services
        self.show()

    def do_stop_scan(self) -> None:
        self.looking = False

    def do_connect(self) -> None:
        self.linked = True

    def do_discover(self) -> teleward.RadioAnswer:
        of_information = [teleward.RadioAttribute(service="180a", characteristic=number) for number in VALUES]
        return ANSWER.ATTRIBUTES(attributes=[MEASUREMENT, *of_information])

    def do_subscribe(self) -> teleward.RadioAnswer | None:
        if not self.bonded:
            return ANSWER.FAILED(fault=FAULT.TEXT(text="onDescriptorWrite failed, status: 5"))
        self.subscribed = True
        return None

    def do_read(self, characteristic: str) -> teleward.RadioAnswer:
        return ANSWER.BYTES(bytes=VALUES[characteristic])

    def do_pair(self) -> None:
        self.tell(EVENT.PAIRING(device=CUFF))
        self.bonded = True

    def do_is_bonded(self) -> teleward.RadioAnswer:
        return ANSWER.FLAG(flag=self.bonded)

    def do_is_connected(self) -> teleward.RadioAnswer:
        return ANSWER.FLAG(flag=self.linked)

    def do_disconnect(self) -> None:
        if self.linked:
            self.linked = self.subscribed = False
            self.tell(EVENT.DISCONNECTED(device=CUFF))

    def do_forget(self) -> None:
        self.bonded = False
