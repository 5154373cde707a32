// A shell's own radio with one cuff near it: what an app does around its platform's Bluetooth.
//
// Calls only start work: they go into a queue, which one thread takes in order once the companion is there. Answers and
// events go back by the companion's methods. Its Python twin is ../python/own_radio.py.

import java.util.concurrent.LinkedBlockingQueue
import kotlin.concurrent.thread
import org.teleward.*

private const val CUFF = "the shell's cuff"
private val MEASUREMENT = RadioAttribute(service = "1810", characteristic = "2A35")
/** What can be read: maker, model, serial number. */
private val VALUES = mapOf("2a29" to "Teleward Test", "2a24" to "VC-1", "2a25" to "own-1")

class OwnRadio : Radio {
    private class Work(val call: ULong?, val name: String, val does: () -> RadioAnswer)

    private val work = LinkedBlockingQueue<Work>()
    @Volatile private var companion: Companion? = null
    private val memory = mutableListOf<ByteArray>()
    private var looking = false
    private var linked = false
    private var bonded = false
    private var subscribed = false
    private var thrown = false
    val asked: MutableList<String> = java.util.Collections.synchronizedList(mutableListOf())

    /** The companion is there: calls that came before it are taken now. */
    fun begin(companion: Companion) {
        this.companion = companion
        thread(isDaemon = true, name = "own-radio", block = ::run)
    }

    /** The cuff measures: it shows itself, and sends the frame to whoever subscribes. */
    fun measure(frame: ByteArray) {
        work.put(Work(null, "measured") { memory.add(frame); show(); RadioAnswer.Done })
    }

    // What the core asks

    override fun state(call: ULong) {
        val on = RadioAnswer.State(RadioState.ON)
        // Nothing to wait for: answered from within the call, once there is somebody to answer.
        if (companion == null) put(call, "state") { on } else { asked.add("state"); answer(call, on) }
    }

    override fun startScan(call: ULong, services: List<String>) =
        done(call, "start_scan") { looking = "1810" in services; show() }

    override fun stopScan(call: ULong) = done(call, "stop_scan") { looking = false }

    override fun connect(call: ULong, device: String) {
        if (!thrown) {
            thrown = true
            throw IllegalStateException("a fault of the shell's own, with a secret in its text")
        }
        done(call, "connect") { linked = true }
    }

    override fun discover(call: ULong, device: String) = put(call, "discover") {
        RadioAnswer.Attributes(listOf(MEASUREMENT) + VALUES.keys.map { RadioAttribute("180a", it) })
    }

    override fun subscribe(call: ULong, device: String, attribute: RadioAttribute) = put(call, "subscribe") {
        subscribed = bonded
        if (bonded) RadioAnswer.Done
        else RadioAnswer.Failed(RadioFault.Text("onDescriptorWrite failed, status: 5"))
    }

    override fun read(call: ULong, device: String, attribute: RadioAttribute) = put(call, "read") {
        RadioAnswer.Bytes(VALUES.getValue(attribute.characteristic).toByteArray())
    }

    override fun write(call: ULong, device: String, attribute: RadioAttribute, bytes: ByteArray): Unit =
        throw RadioException.Failed(RadioFault.NotSupported)

    override fun pair(call: ULong, device: String) = done(call, "pair") { tell(RadioEvent.Pairing(CUFF)); bonded = true }

    override fun isBonded(call: ULong, device: String) = put(call, "is_bonded") { RadioAnswer.Flag(bonded) }

    override fun isConnected(call: ULong, device: String) = put(call, "is_connected") { RadioAnswer.Flag(linked) }

    override fun disconnect(call: ULong, device: String) = done(call, "disconnect") {
        if (linked) {
            linked = false
            subscribed = false
            tell(RadioEvent.Disconnected(CUFF))
        }
    }

    override fun forget(call: ULong, device: String) = done(call, "forget") { bonded = false }

    private fun put(call: ULong, name: String, does: () -> RadioAnswer) {
        asked.add(name)
        work.put(Work(call, name, does))
    }

    private fun done(call: ULong, name: String, does: () -> Unit) = put(call, name) { does(); RadioAnswer.Done }

    // What the platform does

    private fun run() {
        try {
            while (true) {
                val one = work.take()
                val answer = one.does()
                one.call?.let { answer(it, answer) }
                if (one.name == "subscribe" && subscribed) send()
            }
        } catch (_: TelewardException.ReopenFirst) {
            // The companion is shut down.
        }
    }

    private fun answer(call: ULong, answer: RadioAnswer) {
        // What an earlier process was asked, and an answer too many, must change nothing.
        companion!!.radioAnswer(7uL, RadioAnswer.Done)
        companion!!.radioAnswer(call, answer)
        companion!!.radioAnswer(call, RadioAnswer.Failed(RadioFault.Other))
    }

    private fun tell(event: RadioEvent) = companion!!.radioEvent(event)

    private fun show() {
        if (!looking || memory.isEmpty() || linked) return
        val seen = SeenDevice(
            device = CUFF, services = listOf("1810"), name = "Shell's Cuff", address = "C4:C4:C4:C4:C4:C5",
        )
        tell(RadioEvent.Seen(seen))
    }

    private fun send() {
        for (frame in memory) tell(RadioEvent.Value(CUFF, MEASUREMENT, frame))
        memory.clear()
    }
}
