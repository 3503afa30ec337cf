/**
 * A server with nothing of ours in it: answers each request with the statements that it is given for it, one after the
 * other on one connection, and a text. Started as its own process: `node bare-server.ts <database url> <file>`.
 */
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import { deserialize } from 'node:v8'
import pg from 'pg'
import type { Statement } from './recording.ts'

/** What the bare server does for one request. */
export interface Script {
  readonly statements: readonly Statement[]
  readonly answer: string
}

const [url, file] = process.argv.slice(2)
if (!url || !file) throw new Error('Give the URL of a database and a file of scripts')
const scripts = (deserialize(readFileSync(file)) as Script[]).values()
const pool = new pg.Pool({ connectionString: url, max: 16 })
const noScript: Script = { statements: [], answer: '' }

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return JSON.parse(Buffer.concat(chunks).toString())
}

async function run({ statements }: Script): Promise<void> {
  const client = await pool.connect()
  try {
    for (const { text, values } of statements) await client.query(text, [...values])
  } finally {
    client.release()
  }
}

const server = createServer((request, response) => {
  const script = scripts.next().value ?? noScript
  bodyOf(request)
    .then(() => run(script))
    .then(
      () =>
        response
          .writeHead(script === noScript ? 500 : 201, { 'content-type': 'application/json' })
          .end(script.answer),
      (error: unknown) => response.writeHead(500).end(String(error)),
    )
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (typeof address === 'object') process.stdout.write(`port ${address?.port}\n`)
})
