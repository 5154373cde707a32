// The peer of the relay bench: @tus/server on a free loopback port, with its own file store, or with one as durable as our relay.
// usage: node server.mjs DIRECTORY none|fsync    prints one line {"url","version"} once it listens.
//
// `none` is the store as it is published: it answers when the bytes are in the page cache. `fsync` is a subclass that answers
// when file, description and their directory entries are on the disk, which is what a receipt of our relay says.
import { readFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import http from 'node:http'
import { dirname } from 'node:path'
import { FileStore } from '@tus/file-store'
import { Server } from '@tus/server'

async function sync(path, what) {
  const file = await open(path, 'r')
  try {
    await (what === 'data' ? file.datasync() : file.sync())
  } finally {
    await file.close()
  }
}

/** One fsync of a directory makes durable every entry that was there when it began: all who came before that share it. */
class SharedSync {
  #running = null
  #next = null

  constructor(path) { this.path = path }

  wait() {
    if (this.#next === null) {
      const before = this.#running ?? Promise.resolve()
      const next = before.catch(() => undefined).then(() => {
        this.#next = null
        this.#running = next
        return sync(this.path, 'entries')
      })
      this.#next = next
    }
    return this.#next
  }
}

class DurableStore extends FileStore {
  #entries = new SharedSync(this.directory)

  async write(readable, id, offset) {
    const end = await super.write(readable, id, offset)
    const path = this.resolve(id)
    // the file, and the description that the store keeps beside it
    await Promise.all([sync(path, 'data'), sync(`${path}.json`, 'data')])
    await (dirname(path) === this.directory ? this.#entries.wait() : sync(dirname(path), 'entries'))
    return end
  }
}

const [directory, durability] = process.argv.slice(2)
const Store = { none: FileStore, fsync: DurableStore }[durability]
if (Store === undefined) throw new Error('usage: node server.mjs DIRECTORY none|fsync')
const version = JSON.parse(readFileSync(new URL('node_modules/@tus/server/package.json', import.meta.url))).version
const tus = new Server({ path: '/files', datastore: new Store({ directory }) })
const server = http.createServer((request, response) => tus.handle(request, response))
server.listen(0, '127.0.0.1', () => {
  console.log(JSON.stringify({ url: `http://127.0.0.1:${server.address().port}/files`, version }))
})
