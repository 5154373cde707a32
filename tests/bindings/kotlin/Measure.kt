// What one change costs across JNA: an app's calls, timed in an app's process. Its twin without a boundary, in the same
// steps and numbers, is tests/src/bench/crossing.rs.
// usage: MeasureKt FOLDER RUNS; prints one JSON line: for each step its nanoseconds, one number a run.

import java.io.File
import java.time.Instant
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.runBlocking
import org.teleward.*

/** Runs before those that count: the JVM compiles what runs often. */
const val WARM_UP = 2000

class Measure(private val companion: Companion) {
    /** A change that is there already: one asynchronous call, one record back. */
    suspend fun taken(): Long {
        val start = System.nanoTime()
        check(companion.nextChange(0uL).topics.isNotEmpty())
        return System.nanoTime() - start
    }

    /** From a command until a consumer that waits has its change. The command changes no row, so that no disk is waited for. */
    suspend fun told(): Long = coroutineScope {
        val now = companion.nextChange(0uL).revision
        val waiting = async(start = CoroutineStart.UNDISPATCHED) {
            companion.nextChange(now)
            System.nanoTime()
        }
        val start = System.nanoTime()
        companion.networkChanged(NetworkHint.GONE)
        waiting.await() - start
    }

    /** From a typed reading, over its commit and its change, until the journal's newest page shows it. */
    suspend fun kept(run: Int): Long = coroutineScope {
        val now = companion.nextChange(0uL).revision
        val waiting = async(start = CoroutineStart.UNDISPATCHED) { companion.nextChange(now) }
        val values = ManualValues.BloodPressure(systolic = "131", diastolic = "84", unit = PressureUnit.MM_HG, pulseRate = "62")
        val typed = ManualReading(draftId = "%032x".format(run), measuredAt = Instant.now(), values = values)
        val start = System.nanoTime()
        val id = companion.recordManual(typed)
        waiting.await()
        val page = companion.history(HistoryQuery(limit = 1u), null)
        val end = System.nanoTime()
        check(page.readings.single().id == id) { "another reading is the newest" }
        end - start
    }
}

fun main(words: Array<String>) = runBlocking(Dispatchers.Default) {
    val (folder, runs) = File(words[0]) to words[1].toInt()
    init(null)
    val config = Config(dataDir = File(folder, "data").path, appName = "Measure", appVersion = "1", os = "jvm", zone = "Etc/UTC")
    val companion = open(config, Vault(File(folder, "keys")))
    val measure = Measure(companion)
    repeat(WARM_UP) { measure.taken(); measure.told() }
    repeat(runs / 10) { measure.kept(it) }
    val taken = List(runs) { measure.taken() }
    val told = List(runs) { measure.told() }
    val kept = List(runs / 10) { measure.kept(runs + it) }
    companion.shutDown()
    say("java" to System.getProperty("java.version"), "taken_ns" to taken, "told_ns" to told, "kept_ns" to kept)
}
