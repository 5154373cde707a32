// A shell in Kotlin around the generated package: words in, JSON lines out. The journey drives it like a person an app.
// Its Python twin is ../python/shell.py; both do the same with the same words.

import java.io.File
import java.time.Instant
import kotlin.system.exitProcess
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.joinAll
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withContext
import org.teleward.*

/** Secrets in files, for a test. Can be locked, as a phone is before its first unlock, and can fail badly. */
class Vault(private val folder: File) : KeyVault {
    @Volatile var locked = false
    @Volatile var broken = false

    init {
        folder.mkdirs()
    }

    private fun file(name: String): File {
        if (broken) throw IllegalStateException("a fault of the shell's own, with a secret in its text")
        if (locked) throw KeyVaultException.Unavailable()
        return File(folder, name.toByteArray().joinToString("") { "%02x".format(it) })
    }

    override fun load(name: String): ByteArray? = file(name).takeIf { it.exists() }?.readBytes()

    override fun store(name: String, secret: ByteArray) {
        val file = file(name)
        val new = File(file.path + ".new")
        new.writeBytes(secret)
        check(new.renameTo(file)) { "a secret could not be kept" }
    }

    override fun delete(name: String) {
        file(name).delete()
    }
}

/** JSON of maps, lists, texts, numbers and truth values. */
fun json(value: Any?): String = when (value) {
    null -> "null"
    is Boolean, is Number, is ULong, is UInt, is UByte -> value.toString()
    is Map<*, *> -> value.entries.joinToString(",", "{", "}") { json(it.key.toString()) + ":" + json(it.value) }
    is Iterable<*> -> value.joinToString(",", "[", "]") { json(it) }
    else -> value.toString().map {
        when {
            it == '"' || it == '\\' -> "\\$it"
            it < ' ' -> "\\u%04x".format(it.code)
            else -> it.toString()
        }
    }.joinToString("", "\"", "\"")
}

@Synchronized
fun say(vararg line: Pair<String, Any?>) {
    println(json(mapOf(*line)))
    System.out.flush()
}

fun plain(view: View): Any = when (view) {
    is View.Status -> mapOf("status" to plain(view.status))
    is View.Devices -> mapOf("devices" to view.devices.map {
        mapOf("id" to it.id, "maker" to it.maker, "state" to it.state, "last_ending" to it.lastEnding,
            "notices" to it.notices.map { notice -> mapOf("code" to notice.code, "text" to notice.text) },
            "users" to it.users.map { user -> mapOf("slot" to user.slot, "person" to user.person.name) })
    })
    is View.Queue -> mapOf("queue" to mapOf(
        "waiting" to view.queue.waiting, "at_post_office" to view.queue.atPostOffice,
        "at_clinic" to view.queue.atClinic, "stuck" to view.queue.stuck, "trouble" to view.queue.trouble,
    ))
    is View.Found -> mapOf("found" to view.found.map {
        mapOf(
            "id" to it.id, "name" to it.name, "family" to it.family, "paired" to it.paired,
            "how_to_pair" to it.howToPair,
        )
    })
    is View.Requests -> mapOf("requests" to view.requests.map { mapOf("id" to it.id, "kind" to it.kind, "state" to plain(it.state)) })
}

fun plain(status: Status): Any = mapOf(
    "locked" to status.locked,
    "spooled" to status.spooled,
    "relay_trouble" to status.relayTrouble,
    "findings" to status.findings.map { mapOf("code" to it.code, "text" to it.text) },
    "link" to status.link?.let { link ->
        mapOf(
            "up" to link.up, "state" to link.state.name, "clinic" to link.clinic, "has_recovery" to link.hasRecovery,
            "check_words" to link.checkWords?.let { mapOf("words" to it.words, "digits" to it.digits) },
        )
    },
)

fun plain(state: RequestState): Any = when (state) {
    is RequestState.Running -> mapOf("kind" to "RUNNING")
    is RequestState.Done -> mapOf("kind" to "DONE", "result" to state.result)
    is RequestState.Failed -> mapOf("kind" to "FAILED", "code" to state.code, "text" to state.text)
    is RequestState.Asked -> state.question.let {
        val question = mapOf("device" to it.device, "user" to it.user, "readings" to it.readings, "text" to it.text)
        mapOf("kind" to "ASKED", "question" to question)
    }
}

fun plain(reading: Reading): Any = mapOf(
    "id" to reading.id, "typed" to reading.typed, "stage" to reading.stage.name,
    "values" to reading.values.map { mapOf("name" to it.name, "value" to it.value, "absent" to it.absent, "unit" to it.unit) },
    "stored_at" to reading.storedAt, "seen_at" to reading.seenAt, "whose" to reading.whose.name,
    "said_at" to reading.saidAt, "said_stored_at" to reading.saidStoredAt,
)

class Shell(folder: File, radio: String) {
    private val vault = Vault(File(folder, "keys"))
    private val own = if (radio == "own") OwnRadio() else null
    val companion: Companion

    init {
        init(null)
        companion = open(
            Config(
                dataDir = File(folder, "data").path, appName = "Kotlin shell", appVersion = "1", os = "jvm",
                zone = "Etc/UTC", radio = own?.let { RadioChoice.Own(it) } ?: RadioChoice.Scripted(radio),
            ),
            vault,
        )
        own?.begin(companion)
    }

    /** One consumer of changes: tells each, until the companion closes. */
    suspend fun consume(number: Int) {
        var revision = 0uL
        try {
            while (true) {
                val changes = companion.nextChange(revision)
                revision = changes.revision
                say("consumer" to number, "revision" to revision, "topics" to changes.topics.map { it.name })
            }
        } catch (_: TelewardException.ReopenFirst) {
            say("consumer" to number, "closed" to true)
        }
    }

    suspend fun carryOut(words: List<String>): Any? = when (words[0]) {
        "view" -> plain(companion.view(Topic.valueOf(words[1])))
        "history" -> companion.history(HistoryQuery(kind = words.getOrNull(1), limit = 200u), null).let {
            mapOf("readings" to it.readings.map(::plain))
        }
        "traces" -> mapOf("traces" to companion.traces().map { mapOf("device" to it.device, "reason" to it.reason) })
        "sheet" -> companion.prepareRecovery().let { mapOf("words" to it.words, "qr_svg" to it.qrSvg) }
        "join" -> companion.join(words[1], JoinOptions(label = words[2]))
        "look" -> companion.look(words[1].toULong())
        "pair_with" -> companion.pairWith(words[1])
        "dismiss" -> { companion.dismiss(words[1].toLong()); null }
        "type" -> companion.recordManual(
            ManualReading(
                draftId = words[1], measuredAt = Instant.now(),
                values = ManualValues.BloodPressure(
                    systolic = words[2], diastolic = words[3], unit = PressureUnit.MM_HG, pulseRate = words[4],
                ),
            ),
        )
        "frame" -> companion.submitFrame(
            Frame(
                device = words[1], characteristic = words[2].toUShort(16),
                bytes = bytes(words[3]), received = Instant.now(),
            ),
        ).let { mapOf("reading" to it.reading, "is_new" to it.isNew) }
        "answer" -> companion.answer(words[1].toLong(), Answer.valueOf(words[2]))
        "use_user" -> {
            companion.useUser(
                words[1],
                if (words[2] == "NEW") UserChoice.New else UserChoice.Existing(words[3].toUByte(), words[4].toUShort()),
            )
            null
        }
        "not_me" -> { companion.notMe(words[1]); null }
        "me" -> { companion.me(words[1]); null }
        "network" -> { companion.networkChanged(NetworkHint.valueOf(words[1])); null }
        "pause" -> { companion.pause(5000uL); null }
        "resume" -> { companion.resume(); null }
        "drain" -> companion.drain(words[1].toULong()).let {
            mapOf("handed_over" to it.handedOver, "collected" to it.collected, "still_waiting" to it.stillWaiting, "trouble" to it.trouble)
        }
        "cancel" -> cancel()
        "measure" -> { own!!.measure(bytes(words[1])); null }
        "asked" -> mapOf("asked" to own!!.asked.toList())
        "radio_answer" -> { companion.radioAnswer(words[1].toULong(), RadioAnswer.Done); null }
        "radio_value" -> {
            val attribute = RadioAttribute(service = words[1], characteristic = "2a35")
            companion.radioEvent(RadioEvent.Value("nobody", attribute, ByteArray(0)))
            null
        }
        "vault" -> { vault.locked = words[1] == "locked"; vault.broken = words[1] == "broken"; null }
        "close" -> { companion.shutDown(); null }
        else -> throw IllegalArgumentException("unknown words: $words")
    }

    /** A wait that is given up must disturb nobody. */
    private suspend fun cancel(): String = coroutineScope {
        val now = companion.nextChange(0uL).revision
        val wait = async(start = CoroutineStart.UNDISPATCHED) { companion.nextChange(now) }
        wait.cancel()
        try {
            wait.await()
            "it ended by itself"
        } catch (_: CancellationException) {
            "cancelled"
        }
    }
}

fun main(words: Array<String>) = try {
    runBlocking(Dispatchers.Default) {
        val shell = Shell(File(words[0]), words[1])
        val consumers = listOf(1, 2).map { launch { shell.consume(it) } }
        say("open" to true, "pid" to ProcessHandle.current().pid())
        while (true) {
            val line = withContext(Dispatchers.IO) { readlnOrNull() } ?: break
            val asked = line.split("\t")
            try {
                say("reply" to shell.carryOut(asked))
            } catch (error: TelewardException) {
                say("error" to error.javaClass.simpleName, "reason" to reason(error))
            }
            if (asked == listOf("close")) break
        }
        consumers.joinAll()
    }
} catch (error: TelewardException) {
    say("error" to error.javaClass.simpleName, "reason" to reason(error))
    exitProcess(1)
}

fun bytes(hex: String): ByteArray = hex.chunked(2).map { it.toInt(16).toByte() }.toByteArray()

/** The text of whichever variant it is. */
fun reason(error: TelewardException): String = when (error) {
    is TelewardException.UnlockFirst -> error.reason
    is TelewardException.CorrectInput -> error.reason
    is TelewardException.JoinFirst -> error.reason
    is TelewardException.FreeSpace -> error.reason
    is TelewardException.UpdateApp -> error.reason
    is TelewardException.TryLater -> error.reason
    is TelewardException.ReopenFirst -> error.reason
    is TelewardException.NotPossible -> error.reason
    is TelewardException.Fault -> error.reason
}
