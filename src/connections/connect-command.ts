/** `npm run connect -- CRM`: connects a CRM, says in plain words what it lacks, and creates that on request. */
import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { readCommandConfig } from '#config/env.ts'
import { createService, type Service } from '#src/command-service.ts'

const usage = `npm run connect -- CRM [--credentials FILE] [--name NAME] [--apply] [--resume] [--url URL] [--token TOKEN]
  CRM            salesforce, dynamics or hubspot; or the name of a connection
  --credentials  a JSON file: makes a connection that starts paused, or replaces its credentials
  --name         how the connection is called (the name of the CRM)
  --apply        creates over there what is missing and can be created
  --resume       lets the connection work once nothing stands against it
  --token        an API token of an administrator; better set COUNTERPART_TOKEN, which no list of processes shows`

const connectionSchema = z.object({
  id: z.string(),
  name: z.string(),
  vendor: z.string(),
  status: z.string(),
  pauseReason: z.string().nullable(),
})
type Connection = z.infer<typeof connectionSchema>
const planSchema = z.object({
  ok: z.boolean(),
  steps: z.array(z.object({ id: z.string(), title: z.string(), state: z.string(), detail: z.string() })),
})
type Plan = z.infer<typeof planSchema>
const reportSchema = z.object({
  ok: z.boolean(),
  organisationId: z.string().nullable(),
  problems: z.array(
    z.object({
      entity: z.string().nullable(),
      severity: z.string(),
      path: z.string(),
      message: z.string(),
    }),
  ),
})
const vendorsSchema = z.object({
  items: z.array(z.object({ vendor: z.string(), credentials: z.unknown() })),
})

const marks: Readonly<Record<string, string>> = {
  done: 'ok     ',
  missing: 'MISSING',
  wrong: 'WRONG  ',
  by_hand: 'BY HAND',
}

async function run(): Promise<boolean> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      credentials: { type: 'string' },
      name: { type: 'string' },
      apply: { type: 'boolean', default: false },
      resume: { type: 'boolean', default: false },
      url: { type: 'string' },
      token: { type: 'string' },
    },
  })
  const [wanted] = positionals
  if (!wanted || positionals.length > 1) throw new Error(usage)
  const config = readCommandConfig()
  const token = values.token ?? config.token
  if (!token) throw new Error('Set COUNTERPART_TOKEN to an API token of an administrator')
  const service = createService(values.url ?? config.url, token)
  const found = await findConnection(service, values.name ?? wanted)
  const connection = values.credentials
    ? await sendCredentials(service, found, wanted, values.name ?? wanted, values.credentials)
    : (found ?? (await explainCredentials(service, wanted)))
  say(`Connection ${connection.name} (${connection.vendor})`)
  let plan = await readPlan(service, connection, null)
  const offered = plan.steps.filter(({ state }) => state === 'missing' || state === 'wrong')
  show(plan)
  if (values.apply && offered.length > 0) {
    say('\nCreating what is missing ...')
    plan = await readPlan(
      service,
      connection,
      offered.map(({ id }) => id),
    )
    show(plan)
  } else if (offered.length > 0) say('\nAdd --apply to create what is missing.')
  const report = await check(service, connection)
  if (!values.resume || !report.ok) return report.ok && plan.ok
  await service.call(`connections/${connection.id}/resume`, { method: 'POST' })
  say('The connection works.')
  return plan.ok
}

const json = (method: string, body: unknown): RequestInit => ({
  method,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
})

/** By name, else the only one of that CRM. */
async function findConnection(service: Service, wanted: string): Promise<Connection | null> {
  const { items } = z
    .object({ items: z.array(connectionSchema) })
    .parse(await (await service.call('connections')).json())
  const named = items.find(({ name }) => name.toLowerCase() === wanted.toLowerCase())
  if (named) return named
  const ofVendor = items.filter(({ vendor }) => vendor === wanted.toLowerCase())
  if (ofVendor.length > 1)
    throw new Error(`There are several: name one of ${ofVendor.map(({ name }) => name).join(', ')}`)
  return ofVendor[0] ?? null
}

async function sendCredentials(
  service: Service,
  found: Connection | null,
  vendor: string,
  name: string,
  file: string,
): Promise<Connection> {
  const text = await readFile(file, 'utf8').catch(() => {
    throw new Error(`There is no file ${file}`)
  })
  const credentials = z.record(z.string(), z.unknown()).parse(JSON.parse(text))
  const answer = found
    ? await service.call(`connections/${found.id}/credentials`, json('PUT', { credentials }))
    : await service.call('connections', json('POST', { name, vendor, credentials, paused: true }))
  return connectionSchema.parse(await answer.json())
}

/** Nothing can be looked at yet: says which credentials the CRM asks for. */
async function explainCredentials(service: Service, vendor: string): Promise<never> {
  const { items } = vendorsSchema.parse(await (await service.call('connection-vendors')).json())
  const known = items.find((one) => one.vendor === vendor.toLowerCase())
  if (!known) {
    const names = items.map((one) => one.vendor).join(', ')
    throw new Error(`There is no connection and no CRM called ${vendor}. CRMs: ${names}`)
  }
  const shape = JSON.stringify(known.credentials, null, 2)
  throw new Error(
    `${vendor} is not connected yet. Write its credentials into a JSON file and add --credentials FILE:\n${shape}`,
  )
}

async function readPlan(
  service: Service,
  { id }: Connection,
  steps: readonly string[] | null,
): Promise<Plan> {
  const options = steps ? json('POST', { steps }) : {}
  return planSchema.parse(await (await service.call(`connections/${id}/setup`, options)).json())
}

function show({ steps }: Plan): void {
  for (const { state, title, detail } of steps) {
    say(`  ${marks[state] ?? state} ${title}${state === 'done' ? '' : `\n          ${detail}`}`)
  }
}

async function check(service: Service, { id }: Connection) {
  const answer = await service.call(`connections/${id}/check`, { method: 'POST' })
  const report = reportSchema.parse(await answer.json())
  say(
    report.ok
      ? `\nThe mappings fit the organisation ${report.organisationId ?? ''}.`
      : '\nThe mappings do not fit yet:',
  )
  for (const { entity, path, severity, message } of report.problems) {
    say(`  ${severity === 'error' ? 'ERROR  ' : 'warning'} ${entity ?? 'connection'} ${path}: ${message}`)
  }
  return report
}

const say = (text: string): void => void process.stdout.write(`${text}\n`)

run().then(
  (ok) => {
    process.exitCode = ok ? 0 : 2
  },
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
  },
)
