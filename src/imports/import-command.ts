/** `npm run import -- KIND FILE`: sends a CSV file to a running service, and follows the import if asked to. */
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { readCommandConfig } from '#config/env.ts'
import { createService, type Service } from '#src/command-service.ts'
import { appliedRows, hasEnded, importKinds, importStates } from './import.ts'

const usage = `npm run import -- KIND FILE [--wait] [--url http://127.0.0.1:3000] [--token TOKEN]
  KIND     ${importKinds.join(', ')}
  FILE     a CSV file in UTF-8; the first line names the columns
  --wait   follows the import to its end and writes the report on bad rows to the output
  --token  an API token; better set COUNTERPART_TOKEN, which no list of processes shows`

const answerSchema = z.object({
  id: z.string(),
  state: z.enum(importStates),
  problem: z.string().nullable(),
  rows: z.object({
    read: z.number(),
    created: z.number(),
    updated: z.number(),
    unchanged: z.number(),
    invalid: z.number(),
  }),
  rowsPerSecond: z.number().nullable(),
})
type Answer = z.infer<typeof answerSchema>
const pollMs = 500
/** How often a service that does not answer is asked again while an import is followed. */
const patience = 60

async function run(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { url: { type: 'string' }, token: { type: 'string' }, wait: { type: 'boolean' } },
  })
  const kind = importKinds.find((one) => one === positionals[0])
  const file = positionals[1]
  if (!kind || !file || positionals.length > 2) throw new Error(usage)
  const config = readCommandConfig()
  const token = values.token ?? config.token
  if (!token) throw new Error('Set COUNTERPART_TOKEN to an API token of an administrator')
  const service = createService(values.url ?? config.url, token)
  const sent = await send(service, kind, file)
  say(`The file is stored: ${sent.rows.read} rows, import ${sent.id}`)
  if (values.wait) await follow(service, sent)
}

/** A service that is away or restarting has a cause; what it refuses has none. */
const mayPass = (error: unknown): boolean => error instanceof Error && error.cause !== undefined

async function send(service: Service, kind: string, file: string): Promise<Answer> {
  const { size } = await stat(file).catch(() => {
    throw new Error(`There is no file ${file}`)
  })
  const progress = createProgress()
  async function* flow() {
    let bytes = 0
    for await (const chunk of createReadStream(file)) {
      bytes += chunk.length
      progress.show(`Sending ${basename(file)}: ${Math.floor((bytes / Math.max(size, 1)) * 100)} %`)
      yield chunk
    }
  }
  try {
    const answer = await service.call(
      `imports/${kind}?${new URLSearchParams({ fileName: basename(file).slice(0, 200) })}`,
      {
        method: 'POST',
        headers: { 'content-type': 'text/csv' },
        body: flow(),
        duplex: 'half',
      },
    )
    return answerSchema.parse(await answer.json())
  } finally {
    progress.end()
  }
}

async function follow(service: Service, sent: Answer): Promise<void> {
  const progress = createProgress()
  let current = sent
  for (let failures = 0; !hasEnded(current.state); ) {
    await delay(pollMs)
    try {
      current = answerSchema.parse(await (await service.call(`imports/${current.id}`)).json())
      failures = 0
    } catch (error) {
      failures += 1
      if (failures > patience || !mayPass(error)) throw error
    }
    progress.show(describe(current))
  }
  progress.end()
  say(describe(current))
  const { state, problem, rows, id } = current
  await writeReport(service, id)
  if (state !== 'done') throw new Error(`The import is ${state}${problem ? `: ${problem}` : ''}`)
  if (rows.invalid > 0) process.exitCode = 2
}

const describe = ({ state, rows, rowsPerSecond, problem }: Answer): string => {
  const { read, created, updated, unchanged, invalid } = rows
  const rate = rowsPerSecond === null ? '' : `, ${rowsPerSecond} rows/s`
  const trouble = problem ? ` (${problem})` : ''
  return `${state}: ${appliedRows(rows)} of ${read} rows: ${created} created, ${updated} updated, ${unchanged} unchanged, ${invalid} invalid${rate}${trouble}`
}

/** The report goes to the output, so that it can be sent to a file; everything else goes beside it. */
async function writeReport(service: Service, id: string): Promise<void> {
  const { body } = await service.call(`imports/${id}/report.csv`)
  if (!body) return
  for await (const chunk of body) process.stdout.write(chunk)
}

/** One line that changes on a terminal, a line now and then elsewhere. */
function createProgress() {
  const live = process.stderr.isTTY
  let shownAtMs = performance.now()
  return {
    show(text: string): void {
      if (live) process.stderr.write(`\r\u001b[K${text}`)
      else if (performance.now() - shownAtMs > 5_000) {
        shownAtMs = performance.now()
        say(text)
      }
    },
    end(): void {
      if (live) process.stderr.write('\r\u001b[K')
    },
  }
}

const say = (text: string): void => void process.stderr.write(`${text}\n`)

run().catch((error: unknown) => {
  say(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
})
