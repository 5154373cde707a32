// The peer of the relay bench: @tus/server with its file store (which has no fsync), on a free loopback port.
// usage: node server.mjs DIRECTORY    prints one line {"url","version"} once it listens.
import { readFileSync } from 'node:fs'
import http from 'node:http'
import { FileStore } from '@tus/file-store'
import { Server } from '@tus/server'

const version = JSON.parse(readFileSync(new URL('node_modules/@tus/server/package.json', import.meta.url))).version
const tus = new Server({ path: '/files', datastore: new FileStore({ directory: process.argv[2] }) })
const server = http.createServer((request, response) => tus.handle(request, response))
server.listen(0, '127.0.0.1', () => {
  console.log(JSON.stringify({ url: `http://127.0.0.1:${server.address().port}/files`, version }))
})
