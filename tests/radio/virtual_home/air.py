"""The virtual air: bumble's link between controllers with what it lacks, and the hub's adapter on it.

In: the HCI of a host, over a transport (the guest's serial port) or within this process (`central`). Out: the same to
the controllers of the virtual devices.
"""

import asyncio

from bumble import core, hci, ll
from bumble.controller import Controller
from bumble.link import LocalLink
from bumble.transport import open_transport

HUB = "F0:F0:F0:F0:F0:F0"
# The shortest connection interval there is (Core 5.4, Vol 6 Part B, 4.5.1): one packet each is 133 a second, which is
# also what four packets every 30 ms come to, as phones commonly ask for.
INTERVAL_S = 0.0075


class Air(LocalLink):
    """The air between all controllers.

    bumble 0.0.236 stamps data with the sender's random address even where the connection was made from the public
    one, as BlueZ does; this link uses the address that the connection was made from.

    It also carries without limit, which no radio does: what a slow guest has not read yet would pile up before it. A
    device that sends many packets therefore waits for the next connection event (`event`) after each.
    """

    def __init__(self, interval_s: float = INTERVAL_S) -> None:
        super().__init__()
        self.interval_s = interval_s
        # What the devices have sent beside answers to reads and writes, in the order in which it left.
        self.log: list[bytes] = []

    async def event(self) -> None:
        """The link's next connection event."""
        await asyncio.sleep(self.interval_s)

    def send_acl_data(self, sender_controller, destination_address, transport, data):
        if transport != core.PhysicalTransport.LE:
            return super().send_acl_data(sender_controller, destination_address, transport, data)
        connection = sender_controller.le_connections.get(destination_address)
        source = connection.self_address if connection else sender_controller.random_address
        destination = self.find_le_controller(destination_address)
        if destination is not None:
            asyncio.get_running_loop().call_soon(destination.on_link_acl_data, source, transport, data)

    def send_ll_control_pdu(self, sender_address, receiver_address, packet):
        # A peer that just went away hears nothing.
        if self.find_le_controller(receiver_address):
            super().send_ll_control_pdu(sender_address, receiver_address, packet)

    def break_links(self, broken: Controller) -> None:
        """The links of this controller are gone: both ends say so, as after a supervision timeout."""
        reason = hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR
        for connection in list(broken.le_connections.values()):
            broken.on_le_disconnected(connection, reason)
            for peer in self.controllers:
                other = peer.le_connections.get(connection.self_address)
                if other is not None and other.self_address == connection.peer_address:
                    peer.on_le_disconnected(other, reason)


class Adapter(Controller):
    """The hub's adapter. bumble's controller keeps its state over a reset and never ends a cancelled connection
    attempt; a real one does (Core 5.4, Vol 4 Part E, 7.3.2 and 7.8.13)."""

    # A controller of Core 4.2 without privacy: for the features left out here Linux waits for the *enhanced* connection
    # event, which bumble never sends, and then gives the connection up.
    le_features = (
        hci.LeFeatureMask.LE_ENCRYPTION
        | hci.LeFeatureMask.CONNECTION_PARAMETERS_REQUEST_PROCEDURE
        | hci.LeFeatureMask.EXTENDED_REJECT_INDICATION
        | hci.LeFeatureMask.PERIPHERAL_INITIATED_FEATURE_EXCHANGE
        | hci.LeFeatureMask.LE_PING
    )

    def __init__(self, *words, **options):
        super().__init__(*words, **options)
        # While it is looked for devices.
        self.looking = asyncio.Event()

    def on_hci_le_set_scan_enable_command(self, command):
        if command.le_scan_enable:
            self.looking.set()
        else:
            self.looking.clear()
        return super().on_hci_le_set_scan_enable_command(command)

    def on_hci_reset_command(self, command):
        self.le_scan_enable = False
        self.looking.clear()
        self.pending_le_connection = None
        for connection in list(self.le_connections.values()):
            connection.send_ll_control_pdu(ll.TerminateInd(hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR))
        self.le_connections.clear()
        return super().on_hci_reset_command(command)

    def on_hci_le_create_connection_cancel_command(self, command):
        pending, self.pending_le_connection = self.pending_le_connection, None
        if pending is None:
            return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.COMMAND_DISALLOWED_ERROR)
        asyncio.get_running_loop().call_soon(
            self.send_hci_packet,
            hci.HCI_LE_Connection_Complete_Event(
                status=hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR,
                connection_handle=0,
                role=hci.Role.CENTRAL,
                peer_address_type=pending.peer_address.address_type,
                peer_address=pending.peer_address,
                connection_interval=0,
                peripheral_latency=0,
                supervision_timeout=0,
                central_clock_accuracy=0,
            ),
        )
        return super().on_hci_le_create_connection_cancel_command(command)

    async def looked_for(self) -> None:
        """Waits until its host looks for devices."""
        await self.looking.wait()

    def unplug(self) -> None:
        """It loses its power: it says nothing more to its host, and the devices lose their links."""
        self.le_scan_enable = False
        self.looking.clear()
        self.pending_le_connection = None
        links = list(self.le_connections.values())
        self.le_connections.clear()
        for connection in links:
            if peer := self.link.find_le_controller(connection.peer_address):
                self.link.break_links(peer)


async def plug(air: Air, transport: str) -> Adapter:
    """The hub's adapter, joined to a serial port."""
    wire = await open_transport(transport)
    return Adapter("hub", host_source=wire.source, host_sink=wire.sink, link=air, public_address=HUB)
